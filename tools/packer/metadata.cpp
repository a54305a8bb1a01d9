#include "tools/packer/metadata.h"

#include <cstring>
#include <limits>
#include <string>

#include "engine/check.h"
#include "engine/model/model_image_layout.h"
#include "tools/support/failure.h"

namespace pico_llama::packer {

void add_metadata(ImageBytes& image, const Metadata& metadata) {
  if (const Status status = metadata.validate(); !status.ok()) fail("{}", text_of(status));
  ImageHeader header;
  std::memcpy(&header, image.data(), sizeof(header));
  CHECK(header.metadata_offset == 0);
  const auto size = [](std::string_view text) { return static_cast<std::uint32_t>(text.size()); };
  const MetadataHeader section{metadata.temperature,   size(metadata.name),    size(metadata.prompt_template),
                               size(metadata.licence), size(metadata.authors), 0};
  std::string bytes(reinterpret_cast<const char*>(&section), sizeof(section));
  for (const std::string_view text :
       {metadata.name, metadata.prompt_template, metadata.licence, metadata.authors})
    bytes += text;
  const std::uint64_t offset = (image.size() + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
  if (offset + bytes.size() > std::numeric_limits<std::uint32_t>::max())
    fail("the image with its metadata would be {} bytes, and the format reaches {}", offset + bytes.size(),
         std::numeric_limits<std::uint32_t>::max());
  image.resize(offset + bytes.size());
  std::memcpy(image.data() + offset, bytes.data(), bytes.size());
  header.metadata_offset = static_cast<std::uint32_t>(offset);
  header.file_bytes = static_cast<std::uint32_t>(image.size());
  std::memcpy(image.data(), &header, sizeof(header));
  header.crc32 = crc32(std::span(image).subspan(kCrcFrom));
  std::memcpy(image.data(), &header, sizeof(header));
}

}  // namespace pico_llama::packer
