#include "tools/packer/metadata.h"

#include <string>

#include "engine/model/model_image_layout.h"
#include "tools/packer/section.h"
#include "tools/support/failure.h"

namespace pico_llama::packer {

void add_metadata(ImageBytes& image, const Metadata& metadata) {
  if (const Status status = metadata.validate(); !status.ok()) fail("{}", text_of(status));
  const auto size = [](std::string_view text) { return static_cast<std::uint32_t>(text.size()); };
  const MetadataHeader section{metadata.temperature,   size(metadata.name),    size(metadata.prompt_template),
                               size(metadata.licence), size(metadata.authors), 0};
  std::string bytes(reinterpret_cast<const char*>(&section), sizeof(section));
  for (const std::string_view text :
       {metadata.name, metadata.prompt_template, metadata.licence, metadata.authors})
    bytes += text;
  add_section(image, std::as_bytes(std::span(bytes)), &ImageHeader::metadata_offset, "metadata");
}

}  // namespace pico_llama::packer
