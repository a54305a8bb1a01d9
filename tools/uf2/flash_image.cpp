#include "tools/uf2/flash_image.h"

#include <cstddef>
#include <cstring>

#include "engine/model_image_layout.h"
#include "firmware/chips/rp2350.h"
#include "simulator/image.h"
#include "simulator/uf2.h"
#include "tools/model_source.h"
#include "tools/support/failure.h"
#include "tools/support/mapped_file.h"

namespace pico_llama::uf2 {
namespace {

constexpr std::uint32_t kFlashBase = chips::Rp2350::kXipCachedBase;
constexpr std::uint32_t kFlashBytes = chips::Rp2350::kChipSelect1Offset;  // the window of chip select 0
constexpr std::uint32_t kElfMagic = 0x464c457f;                           // "\x7fELF"
// RP2350 datasheet 5.1.5: where the boot ROM looks for the first block, and how one begins.
constexpr std::uint32_t kImageDefWithin = 4096;
constexpr std::uint32_t kPicobinHeader = 0xffffded3;

/// The 32 bytes before a block's payload, as they lie in the file.
struct BlockHeader {
  std::uint32_t magic_start0, magic_start1, flags, address, payload_bytes, number, count, family;
};
static_assert(sizeof(BlockHeader) == 32);

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
    Page& page = pages_[address / kPayloadBytes * kPayloadBytes];
    const std::uint32_t place = address % kPayloadBytes;
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
  if (is_image(file)) {
    (void)parse_image(std::as_bytes(bytes), path);
    return add(end_of_models(), bytes, path);
  }
  if (simulator::looks_like_uf2(bytes) || word_at(bytes, 0) == kElfMagic) {
    add_program(path);
  } else {
    add(kFlashBase, bytes, path);
  }
  if (has_program() && !has_image_def())
    fail(
        "{}: no RP2350 would start this: there is no IMAGE_DEF in its first {} bytes; give a program made "
        "with "
        "the Pico SDK for the RP2350, or a model image that pico-llama pack wrote",
        path, kImageDefWithin);
}

void FlashImage::add_program(const std::string& path) {
  try {
    for (const auto& segment : simulator::read_image(path).segments)
      add(segment.address, segment.bytes, path);
  } catch (const simulator::ImageError& error) {
    fail("{}", error.what());
  }
}

bool FlashImage::has_image_def() const {
  for (std::uint32_t at = 0; at < kImageDefWithin; at += sizeof(std::uint32_t))
    if (word(kFlashBase + at) == kPicobinHeader) return true;
  return false;
}

std::uint32_t FlashImage::word(std::uint32_t address) const {
  const auto page = pages_.find(address / kPayloadBytes * kPayloadBytes);
  return page == pages_.end() ? UINT32_MAX : word_at(page->second.bytes, address % kPayloadBytes);
}

std::uint32_t FlashImage::end_of_models() const {
  std::uint32_t address = chips::Cartridge::kAddress;
  while (word(address) == kImageMagic) {
    const std::uint32_t bytes = word(address + offsetof(ImageHeader, file_bytes));
    // What a UF2 brings has not been parsed. A length that cannot be ends the row, as it does for the board.
    if (bytes == 0 || bytes > kFlashBase + kFlashBytes - address) break;
    address += image_span(bytes);
  }
  return address;
}

bool FlashImage::has_program() const { return !pages_.empty() && pages_.begin()->first == kFlashBase; }

std::vector<std::uint8_t> FlashImage::to_uf2(std::uint32_t family) const {
  std::vector<std::uint8_t> file(pages_.size() * kBlockBytes);
  std::uint32_t number = 0;
  for (const auto& [address, page] : pages_) {
    std::uint8_t* block = file.data() + std::size_t{number} * kBlockBytes;
    const BlockHeader header = {kMagicStart0,
                                kMagicStart1,
                                kFlagFamilyPresent,
                                address,
                                kPayloadBytes,
                                number,
                                static_cast<std::uint32_t>(pages_.size()),
                                family};
    std::memcpy(block, &header, sizeof(header));
    std::memcpy(block + sizeof(header), page.bytes.data(), page.bytes.size());
    std::memcpy(block + kBlockBytes - sizeof(kMagicEnd), &kMagicEnd, sizeof(kMagicEnd));
    ++number;
  }
  return file;
}

}  // namespace pico_llama::uf2
