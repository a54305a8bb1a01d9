#include "simulator/bootrom/bootsel/uf2_download.h"

#include <algorithm>
#include <cstring>

namespace pico_llama::simulator::bootsel {
namespace {

// The UF2 specification (github.com/microsoft/uf2).
constexpr std::uint32_t kMagic0 = 0x0a324655, kMagic1 = 0x9e5d5157, kMagicEnd = 0x0ab16f30;
constexpr std::uint32_t kNotMainFlash = 1, kHasFamily = 0x2000;
constexpr std::uint32_t kFlash = 0x10000000, kFlashEnd = 0x12000000, kRam = 0x20000000, kRamEnd = 0x20082000;

// Table 455.
enum Family : std::uint32_t {
  kAbsolute = 0xe48bff57,
  kData = 0xe48bff58,
  kArmSecure = 0xe48bff59,
  kRiscv = 0xe48bff5a,
  kArmNonSecure = 0xe48bff5b,
};

}  // namespace

bool Uf2Download::is_accepted(std::uint32_t family) {
  return family == kAbsolute || family == kData || family == kArmSecure || family == kRiscv;
}

void Uf2Download::start(std::uint32_t family, std::uint32_t blocks, bool ram) {
  family_ = family;
  blocks_ = blocks;
  ram_ = ram;
  ignored_ = false;
  aborts_ = seen_count_ = 0;
  lowest_ = ~0U;
  highest_ = 0;
  seen_.assign(blocks, false);
  erased_.assign((kFlashEnd - kFlash) / kSectorBytes, false);
}

std::optional<Uf2Download::Page> Uf2Download::accept(std::span<const std::uint8_t, 512> sector) {
  const auto word = [&](std::size_t offset) {
    std::uint32_t value = 0;
    std::memcpy(&value, sector.data() + offset, 4);
    return value;
  };
  if (word(0) != kMagic0 || word(4) != kMagic1 || word(508) != kMagicEnd) return std::nullopt;
  const std::uint32_t flags = word(8), address = word(12), bytes = word(16), number = word(20),
                      blocks = word(24), family = word(28);
  if ((flags & kNotMainFlash) != 0 || (flags & kHasFamily) == 0 || bytes != kPageBytes) return std::nullopt;
  if (!is_accepted(family)) {
    if (family == kArmNonSecure && blocks_ == 0) {
      family_ = family;
      ignored_ = true;
    }
    return std::nullopt;
  }
  const bool ram = address >= kRam;
  const std::uint32_t room = ram ? kRamEnd - kRam : kFlashEnd - kFlash;
  if (blocks == 0 || blocks > room / kPageBytes || number >= blocks) return std::nullopt;
  // Section 5.5.2: any of these discards the transfer in progress.
  if (blocks_ != blocks || family_ != family || ram_ != ram) start(family, blocks, ram);
  const bool fits = ram ? address <= kRamEnd - kPageBytes
                        : address >= kFlash && address < kFlashEnd && address % kPageBytes == 0;
  if (!fits) {
    abort(kBadAddress);
    return std::nullopt;
  }
  if (seen_[number]) return std::nullopt;
  seen_[number] = true;
  ++seen_count_;
  lowest_ = std::min(lowest_, address);
  highest_ = std::max(highest_, address + kPageBytes);
  Page page{ram ? address : address - kFlash, !ram, false, sector.subspan<32, kPageBytes>()};
  if (!ram) {
    const std::size_t flash_sector = page.address / kSectorBytes;
    page.erase = !erased_[flash_sector];
    erased_[flash_sector] = true;
  }
  return page;
}

void Uf2Download::abort(Abort why) {
  if (blocks_ == 0 || complete()) return;
  aborts_ |= why;
  blocks_ = 0;
}

Uf2Download::Status Uf2Download::status() const {
  Status status;
  status.flags = (ram_ ? 1U << 16 : 0) | aborts_ << 4 | (ignored_ ? 1U : 0);
  status.family = family_;
  status.done = seen_count_;
  status.blocks = static_cast<std::uint32_t>(seen_.size());
  return status;
}

}  // namespace pico_llama::simulator::bootsel
