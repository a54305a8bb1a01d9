#include "tools/packer/section.h"

#include <cstring>
#include <limits>

#include "engine/check.h"
#include "tools/support/failure.h"

namespace pico_llama::packer {

void add_section(ImageBytes& image, std::span<const std::byte> section, SectionOffset offset,
                 std::string_view what, std::string_view advice) {
  ImageHeader header;
  std::memcpy(&header, image.data(), sizeof(header));
  CHECK(header.*offset == 0);
  const std::uint64_t at = (image.size() + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (at + section.size() > kMost)
    fail("the image with its {} would be {} bytes, and the format reaches {}{}", what, at + section.size(),
         kMost, advice);
  image.resize(at + section.size());
  std::memcpy(image.data() + at, section.data(), section.size());
  header.*offset = static_cast<std::uint32_t>(at);
  header.file_bytes = static_cast<std::uint32_t>(image.size());
  std::memcpy(image.data(), &header, sizeof(header));
  header.crc32 = crc32(std::span(image).subspan(kCrcFrom));
  std::memcpy(image.data(), &header, sizeof(header));
}

}  // namespace pico_llama::packer
