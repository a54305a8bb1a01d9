#include "tools/uf2/flash_image.h"

#include <cstddef>
#include <cstring>

#include "engine/model/model_image_layout.h"
#include "firmware/chips/rp2350.h"
#include "formats/mapped_file.h"
#include "formats/memory_image.h"
#include "formats/uf2.h"
#include "tools/model_source.h"
#include "tools/support/failure.h"

namespace pico_llama::uf2 {
namespace {

using formats::kUf2PayloadBytes;

constexpr std::uint32_t kFlashBase = chips::Rp2350::kXipCachedBase;
constexpr std::uint32_t kFlashBytes = chips::Rp2350::kChipSelect1Offset;  // the window of chip select 0
// RP2350 datasheet 5.1.5: where the boot ROM looks for the first block, and how one begins.
constexpr std::uint32_t kImageDefWithin = 4096;
constexpr std::uint32_t kPicobinHeader = 0xffffded3;

std::uint32_t word_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t word = 0;
  if (bytes.size() >= at + sizeof(word)) std::memcpy(&word, bytes.data() + at, sizeof(word));
  return word;
}

}  // namespace

void FlashImage::add(std::uint32_t address, std::span<const std::uint8_t> bytes, const std::string& name) {
  if (address < kFlashBase || bytes.size() > kFlashBytes || address - kFlashBase > kFlashBytes - bytes.size())
    fail("{}: {} bytes at {:#010x} do not fit the flash, {:#010x} to {:#010x}", name, bytes.size(), address,
         kFlashBase, kFlashBase + kFlashBytes);
  for (const std::uint8_t byte : bytes) {
    Page& page = pages_[address / kUf2PayloadBytes * kUf2PayloadBytes];
    const std::uint32_t place = address % kUf2PayloadBytes;
    if (page.given[place])
      fail("{}: gives the byte at {:#010x} that another file gave already", name, address);
    page.given[place] = true;
    page.bytes[place] = byte;
    ++address;
  }
}

void FlashImage::add_file(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (is_image(path)) {
    (void)parse_image(std::as_bytes(bytes), path);
    add(models().end, bytes, path);
  } else if (formats::looks_like_memory_image(bytes)) {
    add_program(path);
  } else {
    add(kFlashBase, bytes, path);
  }
  if (const int count = models().count; count > kMostImages)
    fail("{}: is model {}; the board looks for the first {} only: leave one out", path, count, kMostImages);
  if (has_program() && !has_image_def())
    fail(
        "{}: not bootable on an RP2350: no IMAGE_DEF in its first {} bytes; give a program made "
        "with "
        "the Pico SDK for the RP2350, or a model image that pico-llama pack wrote",
        path, kImageDefWithin);
}

void FlashImage::add_program(const std::string& path) {
  for (const auto& segment : formats::read_memory_image(path).segments)
    add(segment.address, segment.bytes, path);
}

bool FlashImage::has_image_def() const {
  for (std::uint32_t at = 0; at < kImageDefWithin; at += sizeof(std::uint32_t))
    if (word(kFlashBase + at) == kPicobinHeader) return true;
  return false;
}

std::uint32_t FlashImage::word(std::uint32_t address) const {
  const auto page = pages_.find(address / kUf2PayloadBytes * kUf2PayloadBytes);
  return page == pages_.end() ? UINT32_MAX : word_at(page->second.bytes, address % kUf2PayloadBytes);
}

FlashImage::Models FlashImage::models() const {
  Models found{0, chips::Cartridge::kAddress};
  while (word(found.end) == kImageMagic) {
    ++found.count;
    const std::uint32_t bytes = word(found.end + offsetof(ImageHeader, file_bytes));
    // UF2 contents are unparsed. An impossible length ends the list, as in the firmware.
    if (bytes == 0 || bytes > kFlashBase + kFlashBytes - found.end) break;
    found.end += image_span(bytes);
  }
  return found;
}

bool FlashImage::has_program() const { return !pages_.empty() && pages_.begin()->first == kFlashBase; }

std::vector<std::uint8_t> FlashImage::to_uf2(std::uint32_t family) const {
  std::vector<formats::Uf2Page> pages;
  pages.reserve(pages_.size());
  for (const auto& [address, page] : pages_) pages.push_back({address, page.bytes});
  return formats::write_uf2(pages, family);
}

}  // namespace pico_llama::uf2
