#include "simulator/bus/psram_chip.h"

#include <algorithm>
#include <cstring>

#include "simulator/random.h"

namespace pico_llama::simulator {
namespace {

// Shortest SCK period by command (APS6404L-3SQR datasheet, AC timing table).
constexpr Picoseconds kRead03 = 30'300;     // 33 MHz
constexpr Picoseconds kRead0BQpi = 15'150;  // 66 MHz
constexpr Picoseconds kLinear = 11'904;     // 84 MHz: bursts that may cross a page
constexpr Picoseconds kWrapped = 9'174;     // 109 MHz: bursts that wrap at 32 bytes, 3.0 V parts

constexpr Picoseconds kMaxSelect = 8'000'000;  // tCEM, standard temperature
constexpr Picoseconds kMinDeselect = 18'000;   // tCPH

}  // namespace

PsramChip::PsramChip(std::uint64_t seed, PsramFaults faults)
    : seed_(seed), faults_(faults), memory_(kBytes), defined_(kBytes / 8) {
  power_on();
}

void PsramChip::power_on() {
  ++power_cycles_;
  qpi_ = wrap_32_ = reset_enabled_ = ever_selected_ = false;
  // DRAM cells are random at power-on: programs that rely on zeros must fail here as well.
  for (std::uint32_t at = 0; at < kBytes; at += 8) {
    const std::uint64_t cells = noise(seed_ ^ (std::uint64_t{power_cycles_} << 40) ^ at);
    std::memcpy(&memory_[at], &cells, 8);
  }
  std::fill(defined_.begin(), defined_.end(), std::uint8_t{0});
}

void PsramChip::select(Picoseconds now) {
  if (ever_selected_ && now < deselected_at_ + kMinDeselect) {
    violation("chip select was high for " + std::to_string((now - deselected_at_) / 1000) +
              " ns, tCPH is 18 ns: raise MIN_DESELECT");
  }
  ever_selected_ = true;
  reading_id_ = moving_data_ = false;
  SerialMemory::select(now);
}

void PsramChip::deselect(Picoseconds now) {
  if (selected() && now > selected_at() + kMaxSelect) check_select_time(now);
  deselected_at_ = now;
  SerialMemory::deselect(now);
}

void PsramChip::set_clock(Picoseconds now, Picoseconds sck_period) {
  if (selected() && now > selected_at() + kMaxSelect) check_select_time(now);
  SerialMemory::set_clock(now, sck_period);
}

// No refresh while chip select is low: one slow ID read is harmless, but a driver that streams data this way
// eventually loses some.
void PsramChip::check_select_time(Picoseconds now) {
  const std::uint64_t tenths = (now - selected_at()) / 100'000;
  const std::string text = "chip select has been low for " + std::to_string(tenths / 10) + "." +
                           std::to_string(tenths % 10) +
                           " us, tCEM is 8 us: no refresh in that time; set MAX_SELECT";
  if (!moving_data_) {
    warn(text);
  } else {
    violation(text);
  }
}

std::optional<SerialMemory::Command> PsramChip::decode(std::uint8_t opcode) {
  const bool was_enabled = reset_enabled_;
  reset_enabled_ = false;
  const unsigned wide = qpi_ ? 4 : 1;
  const Picoseconds limit = !clock_limits_ ? 0 : wrap_32_ ? kWrapped : kLinear;
  moving_data_ = opcode == 0x03 || opcode == 0x0b || opcode == 0xeb || opcode == 0x02 || opcode == 0x38;
  switch (opcode) {
    case 0x03:
      if (qpi_) return {};
      return Command{.address_lanes = 1, .data = Data::kOut, .shortest_period = clock_limits_ ? kRead03 : 0};
    case 0x0b:
      if (qpi_) {
        return Command{.address_lanes = 4,
                       .dummy_clocks = 4,
                       .data = Data::kOut,
                       .data_lanes = 4,
                       .shortest_period = clock_limits_ ? kRead0BQpi : 0};
      }
      return Command{.address_lanes = 1, .dummy_clocks = 8, .data = Data::kOut, .shortest_period = limit};
    case 0xeb:
      return Command{.address_lanes = 4,
                     .dummy_clocks = 6,
                     .data = Data::kOut,
                     .data_lanes = 4,
                     .shortest_period = limit};
    case 0x02:
      return Command{.address_lanes = wide, .data = Data::kIn, .data_lanes = wide, .shortest_period = limit};
    case 0x38:
      return Command{.address_lanes = 4, .data = Data::kIn, .data_lanes = 4, .shortest_period = limit};
    case 0x9f:
      if (qpi_) return {};
      reading_id_ = true;
      return Command{.address_lanes = 1, .data = Data::kOut, .shortest_period = clock_limits_ ? kRead03 : 0};
    case 0x35:
      if (qpi_) return {};
      return Command{};
    case 0xf5:
      if (!qpi_) return {};
      return Command{};
    case 0x66:
    case 0xc0:
      return Command{};
    case 0x99:
      if (!was_enabled) return {};
      return Command{};
    default:
      return {};
  }
}

void PsramChip::on_end(bool complete) {
  if (!complete) return;
  switch (opcode()) {
    case 0x35:
      qpi_ = true;
      break;
    case 0xf5:
      qpi_ = false;
      break;
    case 0x66:
      reset_enabled_ = true;
      break;
    case 0x99:
      qpi_ = wrap_32_ = false;
      break;
    case 0xc0:
      wrap_32_ = !wrap_32_;
      break;
    default:
      break;
  }
}

// Maker, known-good-die byte, then the 48-bit EID whose top three bits are the density: 010 = 64 Mbit.
std::uint8_t PsramChip::id_byte(std::uint32_t index) const {
  switch (index % 8) {
    case 0:
      return faults_.wrong_id ? 0x00 : 0x0d;
    case 1:
      return faults_.wrong_id ? 0x55 : 0x5d;
    case 2:
      return 0x46;
    default:
      return static_cast<std::uint8_t>(noise(seed_ + index));
  }
}

void PsramChip::advance() {
  if (wrap_32_) {
    address_ = (address_ & ~31u) | ((address_ + 1) & 31u);
  } else {
    address_ = (address_ + 1) % kBytes;
  }
}

std::uint8_t PsramChip::next_byte(bool& defined) {
  if (reading_id_) {
    const std::uint8_t byte = id_byte(address_ & 7);
    ++address_;
    return byte;
  }
  std::uint8_t byte = memory_[address_];
  if (faults_.stuck_bit && (address_ & 0xfff) == 0x5a5) byte |= 0x08;
  defined = this->defined(address_);
  advance();
  return byte;
}

bool PsramChip::next_block(std::uint8_t* block, unsigned n, std::uint8_t* defined) {
  if (reading_id_ || wrap_32_ || faults_.stuck_bit || address_ + n > kBytes) return false;
  std::copy_n(memory_.data() + address_, n, block);
  unsigned map = defined_[address_ >> 3];
  if (((address_ & 7) + n) > 8) map |= static_cast<unsigned>(defined_[(address_ >> 3) + 1]) << 8;
  *defined = static_cast<std::uint8_t>(map >> (address_ & 7));
  address_ = (address_ + n) % kBytes;
  return true;
}

void PsramChip::take_byte(std::uint8_t byte, bool defined) {
  memory_[address_] = byte;
  const auto bit = static_cast<std::uint8_t>(1u << (address_ & 7));
  std::uint8_t& map = defined_[address_ >> 3];
  map = static_cast<std::uint8_t>(defined ? map | bit : map & ~bit);
  advance();
}

}  // namespace pico_llama::simulator
