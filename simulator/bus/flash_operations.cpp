// What the flash does once a command is over: erase, program, status writes, and what a power cut leaves of
// them.
#include <algorithm>

#include "simulator/bus/flash_chip.h"
#include "simulator/bus/noise.h"

namespace pico_llama::simulator {
namespace {

constexpr Picoseconds kMicrosecond = kPicosecondsPerMicrosecond;
constexpr Picoseconds kMillisecond = 1000 * kMicrosecond;

// AC characteristics, typical.
constexpr Picoseconds kPageProgram = 400 * kMicrosecond;
constexpr Picoseconds kSectorErase = 45 * kMillisecond;
constexpr Picoseconds kBlock32Erase = 120 * kMillisecond;
constexpr Picoseconds kBlock64Erase = 150 * kMillisecond;
constexpr Picoseconds kChipErase = 40'000 * kMillisecond;  // of 16 MB
constexpr Picoseconds kWriteStatus = 10 * kMillisecond;

}  // namespace

void FlashChip::power_on() {
  asleep_ = reset_enabled_ = volatile_status_ = false;
  continuous_ = 0;
  busy_until_ = 0;
  before_.clear();
  status_ = kept_status_;
}

void FlashChip::power_cut(Picoseconds now) {
  if (!busy(now) || before_.empty()) {
    power_on();
    return;
  }
  // The share of the operation that had run has reached that share of the cells; the rest are as before.
  const std::uint64_t done = (now - operation_begin_) * 1000 / (busy_until_ - operation_begin_);
  for (std::uint32_t i = 0; i < before_.size(); ++i) {
    const std::uint64_t cells = noise(seed_ ^ now ^ i);
    std::uint8_t& cell = memory_[operation_address_ + i];
    std::uint8_t reached = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool changed = noise(cells + bit) % 1000 < done;
      reached = static_cast<std::uint8_t>(reached | ((changed ? cell : before_[i]) & (1u << bit)));
    }
    cell = reached;
  }
  power_on();
}

void FlashChip::write_status(unsigned first) {
  const bool enabled = (status_[0] & kWriteEnableLatch) != 0;
  if ((!enabled && !volatile_status_) || received_.empty()) return;
  status_[first] = first == 0 ? static_cast<std::uint8_t>(received_[0] & 0xfc) : received_[0];
  if (first == 0 && received_.size() > 1) status_[1] = received_[1];
  status_[0] = static_cast<std::uint8_t>(status_[0] & ~kWriteEnableLatch);
  if (!volatile_status_) {
    kept_status_ = status_;
    busy_until_ = now() + kWriteStatus;
    before_.clear();
  }
  volatile_status_ = false;
}

Picoseconds FlashChip::erase_time(std::uint32_t size) const {
  if (size == kSectorBytes) return kSectorErase;
  if (size == 32u << 10) return kBlock32Erase;
  if (size == 64u << 10) return kBlock64Erase;
  return kChipErase * (size >> 20) / 16;
}

void FlashChip::begin_operation(std::uint32_t address, std::uint32_t size, Picoseconds duration) {
  operation_address_ = address;
  before_.assign(memory_.begin() + address, memory_.begin() + address + size);
  busy_until_ = operation_begin_ + duration;
  status_[0] = static_cast<std::uint8_t>(status_[0] & ~kWriteEnableLatch);
}

void FlashChip::apply_erase(std::uint32_t address, std::uint32_t size, Picoseconds now) {
  const std::uint32_t base = address & (bytes() - 1) & ~(size - 1);
  operation_begin_ = now;
  begin_operation(base, size, erase_time(size));
  std::fill_n(memory_.begin() + base, size, std::uint8_t{0xff});
  erased_bytes_ += size;
}

void FlashChip::apply_program(Picoseconds now) {
  const std::uint32_t base = address_ & (bytes() - 1) & ~(kPageBytes - 1);
  operation_begin_ = now;
  begin_operation(base, kPageBytes, kPageProgram);
  const std::uint32_t count = std::min(page_count_, kPageBytes);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t at = (address_ + page_count_ - count + i) % kPageBytes;
    memory_[base + at] = static_cast<std::uint8_t>(memory_[base + at] & page_[at]);
  }
  programmed_bytes_ += count;
}

Picoseconds FlashChip::erase(std::uint32_t address, std::uint32_t size, Picoseconds now) {
  apply_erase(address, size, now);
  return busy_until_;
}

Picoseconds FlashChip::program(std::uint32_t address, std::span<const std::uint8_t> bytes, Picoseconds now) {
  address_ = address;
  page_count_ = 0;
  for (const std::uint8_t byte : bytes) {
    page_[(address_ + page_count_) % kPageBytes] = byte;
    ++page_count_;
  }
  apply_program(now);
  return busy_until_;
}

}  // namespace pico_llama::simulator
