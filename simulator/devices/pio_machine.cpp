#include "simulator/devices/pio_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

std::uint32_t low_bits(unsigned count) { return count >= 32 ? ~0U : (1U << count) - 1; }

std::uint32_t reversed(std::uint32_t value) {
  std::uint32_t result = 0;
  for (unsigned bit = 0; bit < 32; ++bit) result |= (value >> bit & 1U) << (31 - bit);
  return result;
}

}  // namespace

void PioMachine::refuse(std::string_view what) const {
  throw Stop(
      fmt::format("{} SM{}: instruction {:#06x} at address {}: {}", block_, number_, current_, pc_, what));
}

void PioMachine::reset() {
  restart();
  set_execctrl(0x0001f000);
  shiftctrl_ = 0;
  set_shiftctrl(0x000c0000);
  set_pinctrl(0x14000000);
  tx.set_depth(4);
  rx.set_depth(4);
  put_get = {};
  pc_ = 0;
  x_ = y_ = osr_ = 0;
}

void PioMachine::restart() {
  isr_ = 0;
  isr_count_ = 0;
  osr_count_ = 32;
  delay_ = 0;
  stalled_ = latched_ = forced_ = irq_wait_ = false;
  sticky_ = {};
}

void PioMachine::set_shiftctrl(std::uint32_t value) {
  constexpr std::uint32_t kJoin = 3U << 30, kPutGet = 3U << 14;
  const bool changed = ((value ^ shiftctrl_) & (kJoin | kPutGet)) != 0;
  shiftctrl_ = value;
  if (!changed) return;
  const bool join_rx = (value >> 31 & 1) != 0, join_tx = (value >> 30 & 1) != 0;
  tx.set_depth(join_rx ? 0 : join_tx ? 8 : 4);
  rx.set_depth(join_tx || (value & kPutGet) != 0 ? 0 : join_rx ? 8 : 4);
}

void PioMachine::clock(const PioInputs& inputs, PioEffects& effects) {
  if (delay_ != 0 && !latched_) {
    --delay_;
    refill();
    return;
  }
  if (latched_)
    run(latch_, Source::kLatch, !stalled_, inputs, effects);
  else
    run(program_[pc_], Source::kMemory, !stalled_, inputs, effects);
}

void PioMachine::force(std::uint16_t instruction, const PioInputs& inputs, PioEffects& effects) {
  forced_ = false;  // this one replaces a stalled one
  run(instruction, Source::kForced, true, inputs, effects);
}

void PioMachine::clock_forced(const PioInputs& inputs, PioEffects& effects) {
  run(latch_, Source::kForced, false, inputs, effects);
}

void PioMachine::run(std::uint16_t instruction, Source source, bool first_cycle, const PioInputs& inputs,
                     PioEffects& effects) {
  current_ = instruction;
  jumped_ = exec_ = false;
  if (first_cycle) side_set(instruction, effects);
  const bool done = execute(instruction, inputs, effects);
  if (instruction >> 13 != 3) refill();
  if (!done) {
    if (source == Source::kForced) {
      forced_ = true;
      latch_ = instruction;
    } else {
      stalled_ = true;
    }
    return;
  }
  if (source == Source::kForced) {
    forced_ = false;
    if (jumped_ || exec_) stalled_ = false;
    return;
  }
  stalled_ = false;
  if (source == Source::kLatch) latched_ = exec_;
  if (source == Source::kMemory && !jumped_)
    pc_ = pc_ == field(execctrl_, 12, 5) ? field(execctrl_, 7, 5) : (pc_ + 1) % 32;
  const unsigned side_bits = sideset_count();
  if (!exec_) delay_ = field(instruction, 8, 5) & low_bits(5 - side_bits);
}

void PioMachine::side_set(std::uint16_t instruction, PioEffects& effects) {
  unsigned bits = sideset_count();
  if (bits == 0) return;
  if (bits > 5) refuse("PINCTRL.SIDESET_COUNT is more than 5");
  std::uint32_t data = field(instruction, 8, 5) >> (5 - bits);
  if ((execctrl_ >> 30 & 1) != 0) {
    --bits;
    if ((data >> bits & 1) == 0) return;
    data &= low_bits(bits);
  }
  const auto base = static_cast<int>(sideset_base());
  effects.side = {std::rotl(low_bits(bits), base), std::rotl(data, base), (execctrl_ >> 29 & 1) != 0};
}

bool PioMachine::execute(std::uint16_t instruction, const PioInputs& inputs, PioEffects& effects) {
  const unsigned operand = instruction & 0xff, high = operand >> 5, low = operand & 31;
  switch (instruction >> 13) {
    case 0:
      return jmp(high, low, inputs);
    case 1:
      return wait(operand, inputs, effects);
    case 2:
      return in(high, count_of(low), inputs, effects);
    case 3:
      return out(high, count_of(low), effects);
    case 4: {
      if ((operand & 0x10) != 0) return mov_rx(operand);
      if (low != 0) refuse("a reserved encoding of PUSH or PULL");
      const bool conditional = (operand & 0x40) != 0, block = (operand & 0x20) != 0;
      return (operand & 0x80) != 0 ? pull(conditional, block, effects) : push(conditional, block, effects);
    }
    case 5:
      return mov(operand, inputs, effects);
    case 6:
      return irq(operand, inputs, effects);
    default:
      return set(high, low, effects);
  }
}

void PioMachine::jump(std::uint32_t address) {
  pc_ = address & 31;
  jumped_ = true;
}

bool PioMachine::jmp(unsigned condition, unsigned address, const PioInputs& inputs) {
  bool taken = true;
  switch (condition) {
    case 1:
      taken = x_ == 0;
      break;
    case 2:
      taken = x_-- != 0;
      break;
    case 3:
      taken = y_ == 0;
      break;
    case 4:
      taken = y_-- != 0;
      break;
    case 5:
      taken = x_ != y_;
      break;
    case 6:
      taken = (inputs.pins >> jmp_pin() & 1) != 0;
      break;
    case 7:
      taken = osr_count_ < pull_threshold();
      break;
    default:
      break;
  }
  if (taken) jump(address);
  return true;
}

/// Bits 4:3 are IdxMode, 2:0 the flag: of this block, of the previous, relative, of the next block.
PioMachine::Flag PioMachine::flag(unsigned index_and_mode) const {
  unsigned index = index_and_mode & 7;
  PioFlagBlock block = kOwn;
  switch (index_and_mode >> 3 & 3) {
    case 1:
      block = kPrevious;
      break;
    case 2:
      index = (index & 4) | ((index + number_) & 3);
      break;
    case 3:
      block = kNext;
      break;
    default:
      break;
  }
  return {block, static_cast<std::uint8_t>(1U << index)};
}

bool PioMachine::wait(unsigned operand, const PioInputs& inputs, PioEffects& effects) {
  const bool polarity = (operand & 0x80) != 0;
  const unsigned index = operand & 31;
  bool level = false;
  switch (operand >> 5 & 3) {
    case 0:
      level = (inputs.pins >> index & 1) != 0;
      break;
    case 1:
      level = (mapped_pins(inputs) >> index & 1) != 0;
      break;
    case 2: {
      const Flag which = flag(index);
      level = (inputs.flags[which.block] & which.bit) != 0;
      if (level && polarity) effects.clear[which.block] |= which.bit;
      break;
    }
    default:
      if (index > 3) refuse("WAIT JMPPIN with an index of more than 3");
      level = (inputs.pins >> (jmp_pin() + index) % 32 & 1) != 0;
      break;
  }
  return level == polarity;
}

/// The IN bus: rotated by IN_BASE, the pins beyond IN_COUNT masked.
std::uint32_t PioMachine::mapped_pins(const PioInputs& inputs) const {
  return std::rotr(inputs.pins, static_cast<int>(in_base())) & low_bits(count_of(shiftctrl_));
}

bool PioMachine::in(unsigned source, unsigned bits, const PioInputs& inputs, PioEffects& effects) {
  std::uint32_t data = 0;
  switch (source) {
    case 0:
      data = mapped_pins(inputs);
      break;
    case 1:
      data = x_;
      break;
    case 2:
      data = y_;
      break;
    case 3:
      break;
    case 6:
      data = isr_;
      break;
    case 7:
      data = osr_;
      break;
    default:
      refuse("a reserved source of IN");
  }
  data &= low_bits(bits);
  std::uint32_t shifted = data;
  if (bits < 32) {
    const bool right = (shiftctrl_ >> 18 & 1) != 0;
    shifted = right ? isr_ >> bits | data << (32 - bits) : isr_ << bits | data;
  }
  const unsigned count = std::min(32U, isr_count_ + bits);
  if (autopush() && count >= push_threshold()) {
    if (put() || get()) refuse("autopush with FJOIN_RX_PUT or FJOIN_RX_GET is undefined");
    if (rx.full()) {
      effects.rx_stall = true;
      return false;
    }
    rx.push(shifted);
    isr_ = 0;
    isr_count_ = 0;
  } else {
    isr_ = shifted;
    isr_count_ = count;
  }
  return true;
}

void PioMachine::refill() {
  if (!refill_pending()) return;
  osr_ = tx.pop();
  osr_count_ = 0;
}

bool PioMachine::out(unsigned destination, unsigned bits, PioEffects& effects) {
  if (autopull() && osr_count_ >= pull_threshold()) {
    // An empty OSR is not filled and shifted out in the same cycle.
    effects.tx_stall = tx.empty();
    refill();
    return false;
  }
  std::uint32_t data = 0;
  if ((shiftctrl_ >> 19 & 1) != 0) {
    data = osr_ & low_bits(bits);
    osr_ = bits == 32 ? 0 : osr_ >> bits;
  } else {
    data = bits == 32 ? osr_ : osr_ >> (32 - bits);
    osr_ = bits == 32 ? 0 : osr_ << bits;
  }
  osr_count_ = std::min(32U, osr_count_ + bits);
  refill();
  switch (destination) {
    case 3:
      break;
    case 4:
      write_pins(effects, true, out_base(), out_count(), data);
      break;
    case 5:
      jump(data);
      break;
    case 6:
      isr_ = data;
      isr_count_ = bits;
      break;
    case 7:
      latch_ = static_cast<std::uint16_t>(data);
      latched_ = exec_ = true;
      break;
    default:
      write_destination(destination, data, effects);
      break;
  }
  return true;
}

bool PioMachine::push(bool if_full, bool block, PioEffects& effects) {
  if (put() || get()) refuse("PUSH with FJOIN_RX_PUT or FJOIN_RX_GET is undefined");
  if (if_full && isr_count_ < push_threshold()) return true;
  if (rx.full()) {
    effects.rx_stall = true;
    if (block) return false;
  } else {
    rx.push(isr_);
  }
  isr_ = 0;
  isr_count_ = 0;
  return true;
}

bool PioMachine::pull(bool if_empty, bool block, PioEffects& effects) {
  // With autopull, PULL is a fence: nothing happens while the OSR has bits left (11.5.4.2).
  if ((if_empty || autopull()) && osr_count_ < pull_threshold()) return true;
  if (tx.empty()) {
    if (block) {
      effects.tx_stall = true;
      return false;
    }
    osr_ = x_;
  } else {
    osr_ = tx.pop();
  }
  osr_count_ = 0;
  return true;
}

bool PioMachine::mov_rx(unsigned operand) {
  if ((operand & 0x64) != 0) refuse("a reserved encoding of MOV to or from the RX FIFO");
  const bool immediate = (operand & 8) != 0;
  if (!immediate && (operand & 3) != 0) refuse("MOV to or from the RX FIFO by Y with an index");
  const unsigned index = (immediate ? operand : y_) & 3;
  if ((operand & 0x80) != 0) {
    if (!get()) refuse("MOV from the RX FIFO without FJOIN_RX_GET is undefined");
    osr_ = put_get[index];
    osr_count_ = 0;
  } else {
    if (!put()) refuse("MOV to the RX FIFO without FJOIN_RX_PUT is undefined");
    put_get[index] = isr_;
  }
  return true;
}

std::uint32_t PioMachine::status(const PioInputs& inputs) const {
  const unsigned n = field(execctrl_, 0, 5);
  bool true_now = false;
  switch (field(execctrl_, 5, 2)) {
    case 0:
    case 1: {
      const PioFifo& fifo = field(execctrl_, 5, 2) == 0 ? tx : rx;
      if (n > fifo.depth()) refuse("STATUS_N is more than the depth of the FIFO");
      true_now = fifo.count() < n;
      break;
    }
    case 2:
      if (n >> 3 == 3) refuse("STATUS_N is reserved");
      true_now = (inputs.flags[n >> 3] >> (n & 7) & 1) != 0;
      break;
    default:
      refuse("STATUS_SEL 3 is reserved");
  }
  return true_now ? ~0U : 0;
}

bool PioMachine::mov(unsigned operand, const PioInputs& inputs, PioEffects& effects) {
  std::uint32_t value = 0;
  switch (operand & 7) {
    case 0:
      value = mapped_pins(inputs);
      break;
    case 1:
      value = x_;
      break;
    case 2:
      value = y_;
      break;
    case 3:
      break;
    case 5:
      value = status(inputs);
      break;
    case 6:
      value = isr_;
      break;
    case 7:
      value = osr_;
      break;
    default:
      refuse("a reserved source of MOV");
  }
  switch (operand >> 3 & 3) {
    case 0:
      break;
    case 1:
      value = ~value;
      break;
    case 2:
      value = reversed(value);
      break;
    default:
      refuse("a reserved operation of MOV");
  }
  switch (operand >> 5) {
    case 3:
      write_pins(effects, true, out_base(), out_count(), value);
      break;
    case 4:
      latch_ = static_cast<std::uint16_t>(value);
      latched_ = exec_ = true;
      break;
    case 5:
      jump(value);
      break;
    case 6:
      isr_ = value;
      isr_count_ = 0;
      break;
    case 7:
      osr_ = value;
      osr_count_ = 0;
      break;
    default:
      write_destination(operand >> 5, value, effects);
      break;
  }
  return true;
}

/// The destinations that OUT, MOV and SET have in common. False: it is none of them.
bool PioMachine::write_destination(unsigned destination, std::uint32_t value, PioEffects& effects) {
  switch (destination) {
    case 0:
      write_pins(effects, false, out_base(), out_count(), value);
      return true;
    case 1:
      x_ = value;
      return true;
    case 2:
      y_ = value;
      return true;
    default:
      return false;
  }
}

void PioMachine::write_pins(PioEffects& effects, bool directions, unsigned base, unsigned count,
                            std::uint32_t value) {
  if (count > 32) refuse("PINCTRL.OUT_COUNT is more than 32");
  PioPinWrite write{std::rotl(low_bits(count), static_cast<int>(base)),
                    std::rotl(value & low_bits(count), static_cast<int>(base)), directions};
  // INLINE_OUT_EN: a bit of OUT data enables the write; for MOV the same [ASSUMED].
  const bool is_set = current_ >> 13 == 7;
  if (!is_set && (execctrl_ >> 18 & 1) != 0 && (value >> field(execctrl_, 19, 5) & 1) == 0) write = {};
  sticky_ = write;
  effects.main = write;
}

bool PioMachine::irq(unsigned operand, const PioInputs& inputs, PioEffects& effects) {
  if ((operand & 0x80) != 0) refuse("a reserved encoding of IRQ");
  const Flag which = flag(operand & 31);
  const bool clear = (operand & 0x40) != 0, wait = (operand & 0x20) != 0;
  if (clear) {
    effects.clear[which.block] |= which.bit;
    return true;
  }
  if (!wait) {
    effects.set[which.block] |= which.bit;
    return true;
  }
  if (!irq_wait_) {
    effects.set[which.block] |= which.bit;
    irq_wait_ = true;
    return false;
  }
  if ((inputs.flags[which.block] & which.bit) != 0) return false;
  irq_wait_ = false;
  return true;
}

bool PioMachine::set(unsigned destination, unsigned value, PioEffects& effects) {
  const unsigned base = set_base(), count = set_count();
  if (destination == 0 || destination == 4) {
    if (count > 5) refuse("PINCTRL.SET_COUNT is more than 5");
    write_pins(effects, destination == 4, base, count, value);
    return true;
  }
  if (destination > 2) refuse("a reserved destination of SET");
  return write_destination(destination, value, effects);
}

}  // namespace pico_llama::simulator
