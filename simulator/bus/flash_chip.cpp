#include "simulator/bus/flash_chip.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "simulator/random.h"

namespace pico_llama::simulator {
namespace {

// AC characteristics, typical.
constexpr Picoseconds kReset = 30 * kPicosecondsPerMicrosecond;
constexpr Picoseconds kWake = 3 * kPicosecondsPerMicrosecond;

// Shortest SCK period: 133 MHz (3.0..3.6 V), 50 MHz for 03h.
constexpr Picoseconds kFast = 7'518;
constexpr Picoseconds kRead03 = 20'000;

// JESD216 header and the first nine words of the basic table: size, erase types, fast reads.
std::uint8_t sfdp_byte(std::uint32_t at, std::uint32_t flash_bytes) {
  static constexpr std::array<std::uint8_t, 16> kHeader = {'S',  'F',  'D',  'P',  0x05, 0x01, 0x00, 0xff,
                                                           0x00, 0x05, 0x01, 0x09, 0x80, 0x00, 0x00, 0xff};
  if (at < kHeader.size()) return kHeader[at];
  const std::uint32_t bits = flash_bytes * 8 - 1;
  const std::array<std::uint32_t, 9> table = {0xfff920e5, bits,       0x6b08eb44, 0xbb423b08, 0xfffffffe,
                                              0x0000ffff, 0xeb40ffff, 0x520f200c, 0x0000d810};
  if (at < 0x80 || at >= 0x80 + 4 * table.size()) return 0xff;
  return static_cast<std::uint8_t>(table[(at - 0x80) / 4] >> (8 * (at & 3)));
}

}  // namespace

FlashChip::FlashChip(std::uint32_t bytes, std::uint64_t seed, bool quad_enable)
    : seed_(seed), memory_(bytes, 0xff) {
  if (!std::has_single_bit(bytes) || bytes < (1u << 20) || bytes > (16u << 20)) {
    throw std::logic_error("flash: size must be a power of two from 1 MB to 16 MB");
  }
  const std::uint64_t id = noise(seed ^ 0xf1a5);
  for (unsigned i = 0; i < 8; ++i) unique_id_[i] = static_cast<std::uint8_t>(id >> (8 * i));
  kept_status_ = {0, quad_enable ? kQuadEnable : std::uint8_t{0}, 0x60};  // drive strength as shipped
  status_ = kept_status_;
}

std::optional<std::uint8_t> FlashChip::implied_command() const {
  if (continuous_ == 0 || asleep_ || busy(now())) return {};
  return continuous_;
}

std::optional<SerialMemory::Command> FlashChip::decode(std::uint8_t opcode) {
  const bool was_enabled = reset_enabled_;
  reset_enabled_ = false;
  const bool was_volatile = volatile_status_;
  volatile_status_ = false;
  index_ = 0;
  page_count_ = 0;
  received_.clear();
  if (asleep_ && opcode != 0xab) return {};
  const bool status_read = opcode == 0x05 || opcode == 0x35 || opcode == 0x15;
  if (busy(now()) && !status_read && opcode != 0x66 && opcode != 0x99) return {};
  const auto read = [](unsigned address, unsigned mode, unsigned dummy, unsigned data,
                       Picoseconds period = kFast) {
    return Command{address, mode, dummy, Data::kOut, data, period};
  };
  const bool quad = quad_enabled();
  switch (opcode) {
    case 0x03:
      return read(1, 0, 0, 1, kRead03);
    case 0x0b:
      return read(1, 0, 8, 1);
    case 0x3b:
      return read(1, 0, 8, 2);
    case 0xbb:
      return read(2, 2, 0, 2);
    case 0x6b:
      return quad ? std::optional(read(1, 0, 8, 4)) : std::nullopt;
    case 0xeb:
      return quad ? std::optional(read(4, 4, 4, 4)) : std::nullopt;
    case 0x5a:
      return read(1, 0, 8, 1);  // SFDP
    case 0x90:
      return read(1, 0, 0, 1);  // maker, device
    case 0x4b:
      return read(1, 0, 8, 1);  // unique id: four dummy bytes in all
    case 0xab:
      return read(1, 0, 0, 1);  // wake, and device id if clocked on
    case 0x9f:
    case 0x05:
    case 0x35:
    case 0x15:
      if (foreign_ && opcode == 0x35)
        violation("35h enters QPI on this maker's chips: no read works after it");
      return Command{.data = Data::kOut, .shortest_period = kFast};
    case 0x01:
    case 0x31:
    case 0x11:
      volatile_status_ = was_volatile;
      return Command{.data = Data::kIn, .shortest_period = kFast};
    case 0x06:
    case 0x04:
    case 0x50:
    case 0xb9:
    case 0xc7:
    case 0x60:
    case 0x66:
      return Command{.shortest_period = kFast};
    case 0x99:
      return was_enabled ? std::optional(Command{}) : std::nullopt;
    case 0x20:
    case 0x52:
    case 0xd8:
      return Command{.address_lanes = 1, .shortest_period = kFast};
    case 0x02:
      return Command{.address_lanes = 1, .data = Data::kIn, .shortest_period = kFast};
    case 0x32:
      if (!quad) return {};
      return Command{.address_lanes = 1, .data = Data::kIn, .data_lanes = 4, .shortest_period = kFast};
    default:
      return {};
  }
}

void FlashChip::on_mode(std::uint8_t mode) {
  // M5-4 = 10: the next command begins with its address. Anything else ends that.
  continuous_ = knows_continuous_ && (mode & 0x30) == 0x20 ? opcode() : std::uint8_t{0};
}

std::uint8_t FlashChip::status(unsigned index) const {
  const std::uint8_t value = status_[index];
  return static_cast<std::uint8_t>(index == 0 && busy(now()) ? value | 1 : value);
}

std::uint8_t FlashChip::next_byte(bool& defined) {
  defined = true;
  const std::uint32_t index = index_++;
  const auto size_log2 = static_cast<std::uint8_t>(std::countr_zero(memory_.size()));
  switch (opcode()) {
    case 0x05:
      return status(0);
    case 0x35:
      return status(1);
    case 0x15:
      return status(2);
    case 0x9f:
      return index == 0   ? (foreign_ ? 0x9d : 0xef)
             : index == 1 ? (foreign_ ? 0x60 : 0x40)
             : index == 2 ? size_log2
                          : 0xff;
    case 0x90:
      return ((index + address_) & 1) == 0 ? 0xef : static_cast<std::uint8_t>(size_log2 - 1);
    case 0xab:
      return static_cast<std::uint8_t>(size_log2 - 1);
    case 0x4b:
      return unique_id_[index % 8];
    case 0x5a:
      return sfdp_byte((address_ + index) & 0xff, bytes());
    default:
      break;
  }
  const std::uint8_t byte = memory_[address_ & (bytes() - 1)];
  ++address_;
  return byte;
}

bool FlashChip::next_block(std::uint8_t* block, unsigned n, std::uint8_t* defined) {
  const std::uint8_t command = opcode();
  const std::uint32_t at = address_ & (bytes() - 1);
  if ((command != 0xeb && command != 0xbb && command != 0x03) || at + n > bytes()) return false;
  std::copy_n(memory_.data() + at, n, block);
  address_ += n;
  *defined = 0xff;
  return true;
}

void FlashChip::take_byte(std::uint8_t byte, bool) {
  if (opcode() == 0x02 || opcode() == 0x32) {
    // Beyond the end of the page the address wraps to its start; of too many bytes the last 256 count.
    page_[(address_ + page_count_) % kPageBytes] = byte;
    ++page_count_;
  } else {
    received_.push_back(byte);
  }
}

void FlashChip::on_end(bool complete) {
  if (opcode() == 0xab) {  // wakes with or without reading the id
    asleep_ = false;
    busy_until_ = now() + kWake;
    before_.clear();
    return;
  }
  if (!complete) return;
  const bool enabled = (status_[0] & kWriteEnableLatch) != 0;
  switch (opcode()) {
    case 0x06:
      status_[0] |= kWriteEnableLatch;
      break;
    case 0x04:
      status_[0] = static_cast<std::uint8_t>(status_[0] & ~kWriteEnableLatch);
      break;
    case 0x50:
      volatile_status_ = true;
      break;
    case 0xb9:
      asleep_ = true;
      break;
    case 0x66:
      reset_enabled_ = true;
      break;
    case 0x99:
      if (busy(now())) power_cut(now());  // an operation in progress is aborted in the same way
      power_on();
      busy_until_ = now() + kReset;
      break;
    case 0x20:
      if (enabled) apply_erase(address_, kSectorBytes, now());
      break;
    case 0x52:
      if (enabled) apply_erase(address_, 32 << 10, now());
      break;
    case 0xd8:
      if (enabled) apply_erase(address_, 64 << 10, now());
      break;
    case 0x60:
    case 0xc7:
      if (enabled) apply_erase(0, bytes(), now());
      break;
    case 0x02:
    case 0x32:
      if (enabled && page_count_ != 0) apply_program(now());
      break;
    case 0x01:
      write_status(0);
      break;
    case 0x31:
      write_status(1);
      break;
    case 0x11:
      write_status(2);
      break;
    default:
      break;
  }
}

// --- operations that take time: erase, program, status writes; power cuts ----------------------------------

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
  // The fraction of the operation that had run has reached that fraction of the cells; the rest are
  // unchanged.
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
