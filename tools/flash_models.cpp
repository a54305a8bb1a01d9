#include "tools/flash_models.h"

#include <algorithm>
#include <cstring>

#include "firmware/app/cartridge.h"
#include "firmware/chips/rp2350.h"
#include "formats/mapped_file.h"
#include "tools/support/failure.h"

namespace pico_llama {
namespace {

constexpr std::uint32_t kFlashBase = chips::Rp2350::kXipCachedBase;
constexpr std::byte kErased{0xff};

// The Pico SDK's pico/binary_info/defs.h and pico/binary_info/structure.h: a header behind the vector table,
// between two markers, gives the range of a table of pointers to entries {type and tag, id, pointer to text}.
constexpr std::uint32_t kInfoWithin = 1024;
constexpr std::uint32_t kInfoStart = 0x7188ebf2;
constexpr std::uint32_t kInfoEnd = 0xe71aa390;
constexpr std::uint32_t kIdAndString = 6 | std::uint32_t{'R'} << 16 | std::uint32_t{'P'} << 24;
constexpr std::uint32_t kProgramName = 0x02031c86;
constexpr std::uint32_t kProgramVersion = 0x11a9bc3a;
constexpr std::size_t kMostText = 64;

}  // namespace

bool is_memory_image(const std::string& path) {
  const std::optional<MappedFile> file = MappedFile::if_regular(path);
  return file && formats::looks_like_memory_image(file->bytes());
}

FlashModels FlashModels::open(const std::string& path) {
  FlashModels models;
  models.file_ = formats::read_memory_image(path);
  constexpr std::uint32_t kBegin = chips::Cartridge::kAddress;
  for (const auto& [address, bytes] : models.file_.segments) {
    if (formats::region_of(address, bytes.size()) != formats::Region::kFlash) continue;
    const std::uint32_t begin = std::max(address, kBegin);
    const std::size_t skipped = begin - address;
    if (skipped >= bytes.size()) continue;
    const std::size_t at = begin - kBegin;
    models.slot_.resize(std::max(models.slot_.size(), at + bytes.size() - skipped), kErased);
    std::memcpy(models.slot_.data() + at, bytes.data() + skipped, bytes.size() - skipped);
  }
  const app::Cartridge cartridge = app::Cartridge::in(models.slot_);
  while (models.count_ < cartridge.count() && cartridge.header(models.count_) != nullptr) ++models.count_;
  return models;
}

std::span<const std::byte> FlashModels::image(int index) const {
  const app::Cartridge cartridge = app::Cartridge::in(slot_);
  const std::span<const std::byte> slot = cartridge.slot(index);
  return slot.first(std::min<std::size_t>(slot.size(), cartridge.header(index)->file_bytes));
}

std::span<const std::uint8_t> FlashModels::bytes_at(std::uint32_t address, std::size_t bytes) const {
  for (const auto& segment : file_.segments) {
    if (address < segment.address || address - segment.address >= segment.bytes.size()) continue;
    const std::size_t at = address - segment.address;
    if (segment.bytes.size() - at < bytes) return {};
    return std::span(segment.bytes).subspan(at, bytes);
  }
  return {};
}

std::uint32_t FlashModels::word_at(std::uint32_t address) const {
  std::uint32_t word = 0;
  const auto bytes = bytes_at(address, sizeof(word));
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), sizeof(word));
  return word;
}

std::string FlashModels::string_at(std::uint32_t address) const {
  std::string text;
  while (text.size() < kMostText) {
    const auto byte = bytes_at(address++, 1);
    if (byte.empty() || byte[0] < ' ' || byte[0] > '~') break;
    text += static_cast<char>(byte[0]);
  }
  return text;
}

std::string FlashModels::binary_info_string(std::uint32_t id) const {
  for (std::uint32_t at = kFlashBase; at < kFlashBase + kInfoWithin; at += 4) {
    if (word_at(at) != kInfoStart || word_at(at + 16) != kInfoEnd) continue;
    const std::uint32_t begin = word_at(at + 4), end = word_at(at + 8);
    for (std::uint32_t pointer = begin; pointer < end && !bytes_at(pointer, 4).empty(); pointer += 4) {
      const std::uint32_t entry = word_at(pointer);
      if (word_at(entry) == kIdAndString && word_at(entry + 4) == id) return string_at(word_at(entry + 8));
    }
  }
  return {};
}

std::string FlashModels::program_name() const {
  const std::string name = binary_info_string(kProgramName), version = binary_info_string(kProgramVersion);
  return version.empty() ? name : name + (name.empty() ? "" : " ") + version;
}

}  // namespace pico_llama
