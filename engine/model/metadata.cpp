#include "engine/model/metadata.h"

#include "engine/model/model_image_layout.h"
#include "engine/text/utf8.h"

namespace pico_llama {
namespace {

/// UTF-8 without control characters.
bool plain(std::string_view text, bool blanks_allowed = false) {
  for (const char c : text) {
    if (blanks_allowed && (c == '\n' || c == '\t')) continue;
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return utf8_valid_prefix(text) == text.size();
}

}  // namespace

Status Metadata::validate() const {
  if (!(temperature == -1.0f || (temperature >= 0.0f && temperature <= 10.0f)))
    return corrupt("image: the metadata's temperature must be from 0 to 10");
  if (name.size() > kMostNameBytes || licence.size() > kMostLicenceBytes ||
      authors.size() > kMostAuthorsBytes)
    return corrupt("image: a name has {} bytes at most, a licence and authors {}", kMostNameBytes,
                   kMostLicenceBytes);
  if (!plain(name) || !plain(licence) || !plain(authors))
    return corrupt("image: name, licence and authors must be UTF-8 without control characters");
  if (prompt_template.empty()) return {};
  if (prompt_template.size() > kMostTemplateBytes)
    return corrupt("image: the template has {} bytes, at most {} are possible",
                   static_cast<int64_t>(prompt_template.size()), kMostTemplateBytes);
  const size_t mark = prompt_template.find(kPromptMark);
  if (mark == std::string_view::npos || prompt_template.find(kPromptMark, mark + 1) != std::string_view::npos)
    return corrupt("image: a template must have {prompt} in it, once");
  if (!plain(prompt_template, true))
    return corrupt("image: the template must be UTF-8 without control characters but line ends and tabs");
  return {};
}

Result<Metadata> Metadata::read(std::span<const std::byte> image) {
  Metadata metadata;
  const auto& image_header = *reinterpret_cast<const ImageHeader*>(image.data());
  for (const uint32_t reserved : image_header.reserved)
    if (reserved != 0)
      return corrupt("image: a reserved field of the header is not 0; it is newer than this");
  const uint32_t offset = image_header.metadata_offset;
  if (offset == 0) return metadata;
  if (offset % kImageAlignment != 0 || offset < image_header.tensor_table_offset || offset > image.size() ||
      image.size() - offset < sizeof(MetadataHeader))
    return corrupt("image: the metadata is misplaced at offset {}", offset);
  const auto& header = *reinterpret_cast<const MetadataHeader*>(image.data() + offset);
  if (header.reserved != 0) return corrupt("image: a reserved field of the metadata is not 0");
  std::string_view texts(reinterpret_cast<const char*>(&header + 1),
                         image.size() - offset - sizeof(MetadataHeader));
  const auto take = [&texts](uint32_t bytes, std::string_view& text) {
    if (bytes > texts.size()) return false;
    text = texts;
    text.remove_suffix(texts.size() - bytes);
    texts.remove_prefix(bytes);
    return true;
  };
  if (!take(header.name_bytes, metadata.name) || !take(header.template_bytes, metadata.prompt_template) ||
      !take(header.licence_bytes, metadata.licence) || !take(header.authors_bytes, metadata.authors))
    return corrupt("image: the metadata's texts do not fit the {} bytes", static_cast<int64_t>(image.size()));
  metadata.temperature = header.temperature;
  PICO_LLAMA_RETURN_IF_ERROR(metadata.validate());
  return metadata;
}

}  // namespace pico_llama
