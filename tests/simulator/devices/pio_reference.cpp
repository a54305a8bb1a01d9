#include "pio_reference.h"

namespace pico_llama::simulator {
namespace {

bool bit(std::uint32_t word, int n) { return (word >> n & 1) != 0; }
int bits(std::uint32_t word, int high, int low) {
  return static_cast<int>(word >> low & ((std::uint64_t{1} << (high - low + 1)) - 1));
}
int one_to_32(int field) { return field == 0 ? 32 : field; }
std::uint32_t lowest(std::uint32_t word, int count) {
  std::uint32_t result = 0;
  for (int i = 0; i < count && i < 32; ++i) {
    if (bit(word, i)) result |= 1U << i;
  }
  return result;
}
int minimum(int a, int b) { return a < b ? a : b; }

}  // namespace

int PioReference::tx_size(const StateMachine& m) const {
  if (bit(m.shiftctrl, 31)) return 0;
  return bit(m.shiftctrl, 30) ? 8 : 4;
}

int PioReference::rx_size(const StateMachine& m) const {
  if (bit(m.shiftctrl, 30) || bit(m.shiftctrl, 15) || bit(m.shiftctrl, 14)) return 0;
  return bit(m.shiftctrl, 31) ? 8 : 4;
}

// The synchroniser's two flip-flops, unless bypassed; 32 of the pins, from GPIOBASE on.
std::uint32_t PioReference::visible_pins(int b) const {
  std::uint32_t result = 0;
  for (int i = 0; i < 32; ++i) {
    const std::uint64_t source = bit(block[b].bypass, i) ? history_[0] : history_[2];
    if ((source >> (i + block[b].gpiobase) & 1) != 0) result |= 1U << i;
  }
  return result;
}

std::uint32_t PioReference::in_pins(int b, int s) const {
  const StateMachine& m = block[b].sm[s];
  const std::uint32_t all = visible_pins(b);
  const int base = bits(m.pinctrl, 19, 15), count = one_to_32(bits(m.shiftctrl, 4, 0));
  std::uint32_t result = 0;
  for (int i = 0; i < count; ++i) {
    if (bit(all, (base + i) % 32)) result |= 1U << i;
  }
  return result;
}

std::uint32_t PioReference::status(int b, int s) const {
  const StateMachine& m = block[b].sm[s];
  const int n = bits(m.execctrl, 4, 0);
  bool yes = false;
  switch (bits(m.execctrl, 6, 5)) {
    case 0:
      yes = static_cast<int>(m.tx.size()) < n;
      break;
    case 1:
      yes = static_cast<int>(m.rx.size()) < n;
      break;
    default: {
      const int which = n / 8 == 1 ? (b + 2) % 3 : n / 8 == 2 ? (b + 1) % 3 : b;
      yes = bit(irq_seen_[which], n % 8);
      break;
    }
  }
  return yes ? 0xffffffff : 0;
}

void PioReference::autopull(StateMachine& m) {
  if (!bit(m.shiftctrl, 17)) return;
  if (m.osr_count >= one_to_32(bits(m.shiftctrl, 29, 25)) && !m.tx.empty()) {
    m.osr = m.tx.front();
    m.tx.pop_front();
    m.osr_count = 0;
  }
}

void PioReference::cycle(std::uint64_t pads) {
  history_[2] = history_[1];
  history_[1] = history_[0];
  history_[0] = pads;
  Cycle now;
  for (int b = 0; b < 3; ++b) irq_seen_[b] = block[b].irq;
  for (int b = 0; b < 3; ++b) {
    for (int s = 0; s < 4; ++s) {
      StateMachine& m = block[b].sm[s];
      // The divider counts down and starts the next period when it is through.
      bool tick = false;
      if (m.countdown == 0) {
        tick = true;
        int whole = bits(m.clkdiv, 31, 16);
        if (whole == 0) whole = 65536;
        m.fraction += bits(m.clkdiv, 15, 8);
        m.countdown = whole;
        if (m.fraction >= 256) {
          m.fraction -= 256;
          m.countdown += 1;
        }
      }
      m.countdown -= 1;
      if (m.enabled_in > 0) {
        m.enabled_in -= 1;
        if (!m.force_pending) continue;
        tick = false;
      }
      if (m.force_pending) {
        run(b, s, m.exec_instr, kForce, now);
        continue;
      }
      if (!m.enable || !tick) continue;
      if (m.exec_pending) {
        run(b, s, m.exec_instr, kExec, now);
      } else if (m.delay > 0) {
        m.delay -= 1;
        autopull(m);
      } else {
        run(b, s, block[b].memory[m.pc], kMemory, now);
      }
    }
  }
  finish(now);
}

void PioReference::run(int b, int s, std::uint32_t instruction, Origin origin, Cycle& now) {
  StateMachine& m = block[b].sm[s];
  // Delay/side-set: SIDESET_COUNT most significant bits are side-set, with SIDE_EN the first of them enables.
  const int field = bits(instruction, 12, 8), side_count = bits(m.pinctrl, 31, 29);
  const bool first = origin == kForce ? !m.forced_wait_begun : !m.in_progress;
  if (side_count > 0 && first) {
    int data_bits = side_count;
    bool enabled = true;
    if (bit(m.execctrl, 30)) {
      enabled = bit(instruction, 12);
      data_bits -= 1;
    }
    if (enabled) {
      PinWrite& write = now.side[b][s];
      write.used = true;
      write.is_dir = bit(m.execctrl, 29);
      const std::uint32_t data = static_cast<std::uint32_t>(field) >> (5 - side_count);
      for (int i = 0; i < data_bits; ++i) {
        const int pin = (bits(m.pinctrl, 14, 10) + i) % 32;
        write.mask |= 1U << pin;
        if (bit(data, i)) write.data |= 1U << pin;
      }
    }
  }
  bool jumped = false, execs = false;
  const bool done = perform(b, s, instruction, now, jumped, execs);
  if (bits(instruction, 15, 13) != 3) autopull(m);
  if (origin == kForce) {
    m.force_pending = !done;
    m.forced_wait_begun = !done;
    if (!done) m.exec_instr = instruction;
    if (done && (jumped || execs)) m.in_progress = false;
    return;
  }
  m.in_progress = !done;
  if (!done) return;
  if (origin == kExec && !execs) m.exec_pending = false;
  if (origin == kMemory && !jumped) {
    if (m.pc == bits(m.execctrl, 16, 12))
      m.pc = bits(m.execctrl, 11, 7);
    else
      m.pc = m.pc == 31 ? 0 : m.pc + 1;
  }
  if (!execs) m.delay = field % (1 << (5 - side_count));
}

bool PioReference::perform(int b, int s, std::uint32_t instruction, Cycle& now, bool& jumped, bool& execs) {
  StateMachine& m = block[b].sm[s];
  const int group = bits(instruction, 7, 5), low = bits(instruction, 4, 0);
  const int push_threshold = one_to_32(bits(m.shiftctrl, 24, 20));
  const int pull_threshold = one_to_32(bits(m.shiftctrl, 29, 25));
  const auto go_to = [&](std::uint32_t address) {
    m.pc = static_cast<int>(address % 32);
    jumped = true;
  };
  const auto exec = [&](std::uint32_t word) {
    m.exec_instr = word & 0xffff;
    m.exec_pending = true;
    execs = true;
  };
  const auto write_pins = [&](bool is_dir, int base, int count, std::uint32_t data, bool inline_enable) {
    PinWrite& write = now.pins[b][s];
    m.last_mask = m.last_data = 0;
    m.last_is_dir = is_dir;
    if (inline_enable && bit(m.execctrl, 18) && !bit(data, bits(m.execctrl, 23, 19))) return;
    for (int i = 0; i < count; ++i) {
      m.last_mask |= 1U << (base + i) % 32;
      if (bit(data, i)) m.last_data |= 1U << (base + i) % 32;
    }
    write = {true, is_dir, m.last_mask, m.last_data};
  };
  const auto out_pins = [&](bool is_dir, std::uint32_t data) {
    write_pins(is_dir, bits(m.pinctrl, 4, 0), bits(m.pinctrl, 25, 20), data, true);
  };
  // Which block's flag, and which.
  const auto irq_block = [&] {
    const int mode = bits(instruction, 4, 3);
    return mode == 1 ? (b + 2) % 3 : mode == 3 ? (b + 1) % 3 : b;
  };
  const auto irq_index = [&] {
    const int index = bits(instruction, 2, 0);
    return bits(instruction, 4, 3) == 2 ? index / 4 * 4 + (index + s) % 4 : index;
  };

  switch (bits(instruction, 15, 13)) {
    case 0: {  // JMP
      bool condition = true;
      if (group == 1) condition = m.x == 0;
      if (group == 2) {
        condition = m.x != 0;
        m.x -= 1;
      }
      if (group == 3) condition = m.y == 0;
      if (group == 4) {
        condition = m.y != 0;
        m.y -= 1;
      }
      if (group == 5) condition = m.x != m.y;
      if (group == 6) condition = bit(visible_pins(b), bits(m.execctrl, 28, 24));
      if (group == 7) condition = m.osr_count < pull_threshold;
      if (condition) go_to(static_cast<std::uint32_t>(low));
      return true;
    }
    case 1: {  // WAIT
      const bool wanted = bit(instruction, 7);
      switch (bits(instruction, 6, 5)) {
        case 0:
          return bit(visible_pins(b), low) == wanted;
        case 1:
          return bit(in_pins(b, s), low) == wanted;
        case 2: {
          const bool flag = bit(irq_seen_[irq_block()], irq_index());
          if (flag && wanted) now.irq_clear[irq_block()] |= 1U << irq_index();
          return flag == wanted;
        }
        default:
          return bit(visible_pins(b), (bits(m.execctrl, 28, 24) + low) % 32) == wanted;
      }
    }
    case 2: {  // IN
      const std::uint32_t sources[8] = {in_pins(b, s), m.x, m.y, 0, 0, 0, m.isr, m.osr};
      const int count = one_to_32(low);
      std::uint64_t isr = m.isr;
      const std::uint64_t data = lowest(sources[group], count);
      if (bit(m.shiftctrl, 18))  // to the right: data enters from the left
        isr = (isr | data << 32) >> count;
      else
        isr = isr << count | data;
      const auto result = static_cast<std::uint32_t>(isr);
      const int total = minimum(32, m.isr_count + count);
      if (bit(m.shiftctrl, 16) && total >= push_threshold) {
        if (static_cast<int>(m.rx.size()) >= rx_size(m)) {
          block[b].fdebug |= 1U << s;
          return false;
        }
        m.rx.push_back(result);
        m.isr = 0;
        m.isr_count = 0;
      } else {
        m.isr = result;
        m.isr_count = total;
      }
      return true;
    }
    case 3: {  // OUT
      if (bit(m.shiftctrl, 17) && m.osr_count >= pull_threshold) {
        if (m.tx.empty()) block[b].fdebug |= 1U << (24 + s);
        autopull(m);
        return false;
      }
      const int count = one_to_32(low);
      std::uint32_t data = 0;
      for (int i = 0; i < count; ++i) {
        if (bit(m.shiftctrl, 19)) {
          if (bit(m.osr, 0)) data |= 1U << i;
          m.osr >>= 1;
        } else {
          data = data * 2 + (bit(m.osr, 31) ? 1 : 0);
          m.osr <<= 1;
        }
      }
      m.osr_count = minimum(32, m.osr_count + count);
      autopull(m);
      if (group == 0) out_pins(false, data);
      if (group == 1) m.x = data;
      if (group == 2) m.y = data;
      if (group == 4) out_pins(true, data);
      if (group == 5) go_to(data);
      if (group == 6) {
        m.isr = data;
        m.isr_count = count;
      }
      if (group == 7) exec(data);
      return true;
    }
    case 4: {
      const bool if_flag = bit(instruction, 6), blocking = bit(instruction, 5);
      if (bit(instruction, 4)) {  // MOV to and from the RX FIFO's storage
        const std::uint32_t index = (bit(instruction, 3) ? instruction : m.y) % 4;
        if (bit(instruction, 7)) {
          m.osr = m.storage[index];
          m.osr_count = 0;
        } else {
          m.storage[index] = m.isr;
        }
        return true;
      }
      if (!bit(instruction, 7)) {  // PUSH
        if (if_flag && m.isr_count < push_threshold) return true;
        if (static_cast<int>(m.rx.size()) >= rx_size(m)) {
          block[b].fdebug |= 1U << s;
          if (blocking) return false;
        } else {
          m.rx.push_back(m.isr);
        }
        m.isr = 0;
        m.isr_count = 0;
        return true;
      }
      // PULL; "when autopull is enabled, any PULL is a no-op when the OSR is full"
      if ((if_flag || bit(m.shiftctrl, 17)) && m.osr_count < pull_threshold) return true;
      if (m.tx.empty()) {
        if (blocking) {
          block[b].fdebug |= 1U << (24 + s);
          return false;
        }
        m.osr = m.x;
      } else {
        m.osr = m.tx.front();
        m.tx.pop_front();
      }
      m.osr_count = 0;
      return true;
    }
    case 5: {  // MOV
      const int source = bits(instruction, 2, 0), operation = bits(instruction, 4, 3);
      std::uint32_t value = 0;
      if (source == 0) value = in_pins(b, s);
      if (source == 1) value = m.x;
      if (source == 2) value = m.y;
      if (source == 5) value = status(b, s);
      if (source == 6) value = m.isr;
      if (source == 7) value = m.osr;
      if (operation == 1) value = ~value;
      if (operation == 2) {
        std::uint32_t backwards = 0;
        for (int i = 0; i < 32; ++i) {
          if (bit(value, 31 - i)) backwards |= 1U << i;
        }
        value = backwards;
      }
      if (group == 0) out_pins(false, value);
      if (group == 1) m.x = value;
      if (group == 2) m.y = value;
      if (group == 3) out_pins(true, value);
      if (group == 4) exec(value);
      if (group == 5) go_to(value);
      if (group == 6) {
        m.isr = value;
        m.isr_count = 0;
      }
      if (group == 7) {
        m.osr = value;
        m.osr_count = 0;
      }
      return true;
    }
    case 6: {  // IRQ
      const unsigned flag = 1U << irq_index();
      if (bit(instruction, 6)) {
        now.irq_clear[irq_block()] |= flag;
        return true;
      }
      if (!bit(instruction, 5)) {
        now.irq_set[irq_block()] |= flag;
        return true;
      }
      if (!m.waiting_on_irq) {
        now.irq_set[irq_block()] |= flag;
        m.waiting_on_irq = true;
        return false;
      }
      if ((irq_seen_[irq_block()] & flag) != 0) return false;
      m.waiting_on_irq = false;
      return true;
    }
    default: {  // SET
      if (group == 1) m.x = static_cast<std::uint32_t>(low);
      if (group == 2) m.y = static_cast<std::uint32_t>(low);
      if (group == 0 || group == 4)
        write_pins(group == 4, bits(m.pinctrl, 9, 5), bits(m.pinctrl, 28, 26),
                   static_cast<std::uint32_t>(low), false);
      return true;
    }
  }
}

// Each GPIO takes the write of the highest-numbered state machine; its side-set goes before its OUT or SET.
void PioReference::assert_pins(int b, const Cycle& now) {
  for (int pin = 0; pin < 32; ++pin) {
    for (int s = 0; s < 4; ++s) {
      const StateMachine& m = block[b].sm[s];
      const PinWrite sticky{bit(m.execctrl, 17), m.last_is_dir, m.last_mask, m.last_data};
      for (const PinWrite& write : {sticky, now.pins[b][s], now.side[b][s]}) {
        if (!write.used || !bit(write.mask, pin)) continue;
        std::uint32_t& target = write.is_dir ? block[b].oe : block[b].out;
        target = bit(write.data, pin) ? target | 1U << pin : target & ~(1U << pin);
      }
    }
  }
}

void PioReference::finish(Cycle& now) {
  for (int b = 0; b < 3; ++b) {
    assert_pins(b, now);
    block[b].irq = (block[b].irq & ~now.irq_clear[b]) | now.irq_set[b];
  }
}

void PioReference::write_tx(int b, int s, std::uint32_t word) {
  StateMachine& m = block[b].sm[s];
  if (static_cast<int>(m.tx.size()) >= tx_size(m))
    block[b].fdebug |= 1U << (16 + s);
  else
    m.tx.push_back(word);
}

std::uint32_t PioReference::read_rx(int b, int s) {
  StateMachine& m = block[b].sm[s];
  if (m.rx.empty()) {
    block[b].fdebug |= 1U << (8 + s);
    return 0;
  }
  const std::uint32_t word = m.rx.front();
  m.rx.pop_front();
  return word;
}

void PioReference::write_shiftctrl(int b, int s, std::uint32_t value) {
  StateMachine& m = block[b].sm[s];
  if (bit(value, 14) || bit(value, 15)) value &= 0x3fffffff;
  if (((m.shiftctrl ^ value) & 0xc000c000) != 0) {
    m.tx.clear();
    m.rx.clear();
  }
  m.shiftctrl = value;
}

void PioReference::write_instr(int b, int s, std::uint32_t instruction) {
  Cycle now;
  for (int i = 0; i < 3; ++i) irq_seen_[i] = block[i].irq;
  block[b].sm[s].force_pending = block[b].sm[s].forced_wait_begun = false;
  run(b, s, instruction, kForce, now);
  for (int i = 0; i < 3; ++i) block[i].irq = (block[i].irq & ~now.irq_clear[i]) | now.irq_set[i];
  assert_pins(b, now);
}

void PioReference::write_ctrl(int b, std::uint32_t value) {
  const auto restart = [](StateMachine& m) {
    m.isr = 0;
    m.isr_count = 0;
    m.osr_count = 32;
    m.delay = 0;
    m.in_progress = m.waiting_on_irq = m.exec_pending = m.force_pending = m.forced_wait_begun = false;
    m.last_mask = m.last_data = 0;
  };
  const auto restart_divider = [](StateMachine& m) {
    m.countdown = 1;
    m.fraction = 0;
  };
  const auto switch_to = [](StateMachine& m, bool on) {
    if (on && !m.enable) m.enabled_in = 1;
    m.enable = on;
  };
  for (int s = 0; s < 4; ++s) {
    if (bit(value, 4 + s)) restart(block[b].sm[s]);
    if (bit(value, 8 + s)) restart_divider(block[b].sm[s]);
    switch_to(block[b].sm[s], bit(value, s));
  }
  for (int s = 0; s < 4; ++s) {
    for (const int side : {0, 1}) {
      if (!bit(value, 16 + 4 * side + s)) continue;
      StateMachine& other = block[(b + (side == 0 ? 2 : 1)) % 3].sm[s];
      if (bit(value, 26)) restart_divider(other);
      if (bit(value, 24)) switch_to(other, true);
      if (bit(value, 25)) switch_to(other, false);
    }
  }
}

}  // namespace pico_llama::simulator
