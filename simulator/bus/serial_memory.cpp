#include "simulator/bus/serial_memory.h"

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {
constexpr unsigned kAddressBits = 24;
}

void SerialMemory::select(Picoseconds now) {
  now_ = now;
  selected_at_ = now;
  selected_ = true;
  shifted_ = 0;
  bits_ = 0;
  phase_ = Phase::kCommand;
  if (const auto implied = implied_command()) begin(*implied);
}

void SerialMemory::deselect(Picoseconds now) {
  if (!selected_) return;
  now_ = now;
  selected_ = false;
  const bool in_data =
      phase_ == Phase::kDone || phase_ == Phase::kOut || (phase_ == Phase::kIn && bits_ == 0);
  if (phase_ != Phase::kCommand && phase_ != Phase::kIgnore) on_end(in_data);
  phase_ = Phase::kIgnore;
}

void SerialMemory::set_clock(Picoseconds now, Picoseconds sck_period) {
  now_ = now;
  if (sck_period == sck_period_) return;
  sck_period_ = sck_period;
  if (selected_ && phase_ != Phase::kCommand && phase_ != Phase::kIgnore) check_clock();
}

void SerialMemory::begin(std::uint8_t opcode) {
  opcode_ = opcode;
  const auto command = decode(opcode);
  if (!command) {
    phase_ = Phase::kIgnore;
    return;
  }
  command_ = *command;
  check_clock();
  next_phase(Phase::kCommand);
}

// Finds the first phase after `from` that this command has.
void SerialMemory::next_phase(Phase from) {
  shifted_ = 0;
  bits_ = 0;
  if (from < Phase::kAddress && command_.address_lanes != 0) {
    phase_ = Phase::kAddress;
  } else if (from < Phase::kMode && command_.mode_lanes != 0) {
    phase_ = Phase::kMode;
  } else if (from < Phase::kDummy && command_.dummy_clocks != 0) {
    phase_ = Phase::kDummy;
    dummies_left_ = command_.dummy_clocks;
  } else if (command_.data == Data::kOut) {
    phase_ = Phase::kOut;
  } else if (command_.data == Data::kIn) {
    phase_ = Phase::kIn;
  } else {
    phase_ = Phase::kDone;
  }
}

void SerialMemory::check_clock() {
  too_fast_ = sck_period_ < command_.shortest_period;
  if (!too_fast_) return;
  const auto mhz10 = [](Picoseconds period) { return (10'000'000 + period / 2) / period; };
  const auto text = [&](Picoseconds period) {
    const auto tenths = mhz10(period);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MHz";
  };
  constexpr char kHex[] = "0123456789ABCDEF";
  violation("SCK of " + text(sck_period_) + " is beyond the " + text(command_.shortest_period) +
            " of command " + kHex[opcode_ >> 4] + kHex[opcode_ & 15] + "h");
}

void SerialMemory::violation(const std::string& what) {
  ++violations_;
  if (policy_.stop) throw Stop(std::string(chip_name()) + ": " + what);
  warn(what);
}

void SerialMemory::warn(const std::string& what) {
  const std::string text = std::string(chip_name()) + ": " + what;
  if (policy_.warn && text != last_violation_) policy_.warn(text);
  last_violation_ = text;
}

// A chip that is clocked too fast corrupts a byte now and then: a bit has not settled.
std::uint8_t SerialMemory::spoil(std::uint8_t byte) {
  if (!too_fast_ || !policy_.spoil) return byte;
  ++violations_;
  return violations_ % 7 == 0 ? static_cast<std::uint8_t>(byte ^ (1u << (violations_ / 7 % 8))) : byte;
}

bool SerialMemory::shift_in(std::uint8_t lines, unsigned lanes, unsigned wanted) {
  shifted_ = shifted_ << lanes | (lines & ((1u << lanes) - 1));
  bits_ += lanes;
  return bits_ >= wanted;
}

Lines SerialMemory::output() {
  if (!selected_ || phase_ != Phase::kOut) return {};
  if (bits_ == 0) {
    bool defined = true;
    out_byte_ = spoil(next_byte(defined));
    bits_ = 8;
  }
  const unsigned lanes = command_.data_lanes;
  const auto bits = static_cast<std::uint8_t>((out_byte_ >> (bits_ - lanes)) & ((1u << lanes) - 1));
  // On one lane the chip answers on SD1 (DO), on more from SD0 up.
  if (lanes == 1) return {.level = static_cast<std::uint8_t>(bits << 1), .driven = 2};
  return {.level = bits, .driven = static_cast<std::uint8_t>((1u << lanes) - 1)};
}

void SerialMemory::clock(std::uint8_t lines) {
  if (!selected_) return;
  switch (phase_) {
    case Phase::kCommand:
      if (shift_in(lines, command_lanes(), 8)) begin(static_cast<std::uint8_t>(shifted_));
      break;
    case Phase::kAddress:
      if (shift_in(lines, command_.address_lanes, kAddressBits)) {
        on_address(shifted_);
        next_phase(Phase::kAddress);
      }
      break;
    case Phase::kMode:
      if (shift_in(lines, command_.mode_lanes, 8)) {
        on_mode(static_cast<std::uint8_t>(shifted_));
        next_phase(Phase::kMode);
      }
      break;
    case Phase::kDummy:
      if (--dummies_left_ == 0) next_phase(Phase::kDummy);
      break;
    case Phase::kOut:
      output();  // the byte being clocked is fetched at the latest now
      bits_ -= command_.data_lanes;
      break;
    case Phase::kIn:
      if (shift_in(lines, command_.data_lanes, 8)) {
        take_byte(static_cast<std::uint8_t>(shifted_), true);
        shifted_ = 0;
        bits_ = 0;
      }
      break;
    case Phase::kDone:
      // More clocks than the command has: commands such as write enable are then not executed.
      phase_ = Phase::kIgnore;
      break;
    case Phase::kIgnore:
      break;
  }
}

bool SerialMemory::stream_out(unsigned lanes, std::uint8_t* bytes, unsigned n, std::uint8_t* defined) {
  if (!selected_ || phase_ != Phase::kOut || bits_ != 0 || command_.data_lanes != lanes) return false;
  if (!too_fast_ && next_block(bytes, n, defined)) return true;
  std::uint8_t mask = 0;
  for (unsigned i = 0; i < n; ++i) {
    bool written = true;
    bytes[i] = spoil(next_byte(written));
    mask = static_cast<std::uint8_t>(mask | (written ? 1u << i : 0u));
  }
  *defined = mask;
  return true;
}

bool SerialMemory::stream_in(unsigned lanes, const std::uint8_t* bytes, unsigned n, std::uint8_t defined) {
  if (!selected_ || phase_ != Phase::kIn || bits_ != 0 || command_.data_lanes != lanes) return false;
  for (unsigned i = 0; i < n; ++i) take_byte(bytes[i], ((defined >> i) & 1) != 0);
  return true;
}

}  // namespace pico_llama::simulator
