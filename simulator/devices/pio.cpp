#include "simulator/devices/pio.h"

#include <algorithm>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kCtrl = 0x00, kFstat = 0x04, kFdebug = 0x08, kFlevel = 0x0c, kTxf0 = 0x10,
                        kRxf0 = 0x20, kIrq = 0x30, kIrqForce = 0x34, kSyncBypass = 0x38, kPadOut = 0x3c,
                        kPadOe = 0x40, kCfgInfo = 0x44, kInstrMem0 = 0x48, kSm0 = 0xc8, kSmStride = 0x18,
                        kPutGet0 = 0x128, kGpioBase = 0x168, kIntr = 0x16c, kInte0 = 0x170, kInts0 = 0x178,
                        kInte1 = 0x17c, kInts1 = 0x184;
enum SmRegister : unsigned { kClkdiv, kExecctrl, kShiftctrl, kAddr, kInstr, kPinctrl };
constexpr std::uint32_t kPutGetBits = 3U << 14, kJoinBits = 3U << 30;
// A register write becomes visible in the next cycle, a restarted divider one cycle later (figures 51 to 53).
constexpr Cycle kEnableLatency = 2;
constexpr Cycle kSynchroniser = 2;

std::vector<Register> registers() {
  std::vector<Register> all = {
      {.offset = kCtrl, .name = "CTRL", .writable = 0xf, .ignored = 0x07ff0ff0},
      {.offset = kFstat, .name = "FSTAT", .ignored = ~0U},
      {.offset = kFdebug, .name = "FDEBUG", .ignored = ~0U},
      {.offset = kFlevel, .name = "FLEVEL", .ignored = ~0U},
      {.offset = kTxf0, .name = "TXF", .ignored = ~0U, .count = 4},
      {.offset = kRxf0, .name = "RXF", .ignored = ~0U, .count = 4},
      {.offset = kIrq, .name = "IRQ", .ignored = ~0U},
      {.offset = kIrqForce, .name = "IRQ_FORCE", .ignored = ~0U},
      {.offset = kSyncBypass, .name = "INPUT_SYNC_BYPASS", .writable = ~0U},
      {.offset = kPadOut, .name = "DBG_PADOUT", .ignored = ~0U},
      {.offset = kPadOe, .name = "DBG_PADOE", .ignored = ~0U},
      // Version 1, 32 instructions, 4 state machines, FIFOs of 4 words.
      {.offset = kCfgInfo, .name = "DBG_CFGINFO", .reset = 0x10200404, .ignored = ~0U},
      {.offset = kInstrMem0, .name = "INSTR_MEM", .ignored = ~0U, .count = 32},
  };
  static constexpr const char* kNames[Pio::kMachines][6] = {
      {"SM0_CLKDIV", "SM0_EXECCTRL", "SM0_SHIFTCTRL", "SM0_ADDR", "SM0_INSTR", "SM0_PINCTRL"},
      {"SM1_CLKDIV", "SM1_EXECCTRL", "SM1_SHIFTCTRL", "SM1_ADDR", "SM1_INSTR", "SM1_PINCTRL"},
      {"SM2_CLKDIV", "SM2_EXECCTRL", "SM2_SHIFTCTRL", "SM2_ADDR", "SM2_INSTR", "SM2_PINCTRL"},
      {"SM3_CLKDIV", "SM3_EXECCTRL", "SM3_SHIFTCTRL", "SM3_ADDR", "SM3_INSTR", "SM3_PINCTRL"}};
  for (std::uint32_t sm = 0; sm < Pio::kMachines; ++sm) {
    const std::uint32_t base = kSm0 + kSmStride * sm;
    const auto& names = kNames[sm];
    all.push_back(
        {.offset = base, .name = names[0], .reset = 0x10000, .writable = 0xffffff00, .ignored = 0xff});
    all.push_back({.offset = base + 4,
                   .name = names[1],
                   .reset = 0x1f000,
                   .writable = 0x7fffffff,
                   .ignored = 0x80000000});
    all.push_back({.offset = base + 8, .name = names[2], .reset = 0xc0000, .writable = 0xffffc01f});
    all.push_back({.offset = base + 12, .name = names[3], .ignored = ~0U});
    all.push_back({.offset = base + 16, .name = names[4], .ignored = ~0U});
    all.push_back({.offset = base + 20, .name = names[5], .reset = 0x14000000, .writable = ~0U});
  }
  all.push_back({.offset = kPutGet0, .name = "RXFn_PUTGET", .ignored = ~0U, .count = 16});
  all.push_back({.offset = kGpioBase, .name = "GPIOBASE", .writable = 0x10, .ignored = 0xffffffef});
  all.push_back({.offset = kIntr, .name = "INTR", .ignored = ~0U});
  all.push_back({.offset = kInte0, .name = "IRQ0_INTE", .writable = 0xffff});
  all.push_back({.offset = kInte0 + 4, .name = "IRQ0_INTF", .writable = 0xffff});
  all.push_back({.offset = kInts0, .name = "IRQ0_INTS", .ignored = ~0U});
  all.push_back({.offset = kInte1, .name = "IRQ1_INTE", .writable = 0xffff});
  all.push_back({.offset = kInte1 + 4, .name = "IRQ1_INTF", .writable = 0xffff});
  all.push_back({.offset = kInts1, .name = "IRQ1_INTS", .ignored = ~0U});
  return all;
}

}  // namespace

// --- the three blocks --------------------------------------------------------------------------------------

class Pio::Dreq : public DreqSource {
 public:
  Dreq(Pio& pio, unsigned number) : pio_(pio), number_(number) {}
  unsigned dreq_level(Cycle now) override {
    pio_.run_to(now);
    pio_.schedule();
    const PioMachine& machine = pio_.block(number_ / 8).machines_[number_ % 4].machine;
    return (number_ & 4) != 0 ? machine.rx.count() : machine.tx.room();
  }

 private:
  Pio& pio_;
  unsigned number_;
};

Pio::Pio(Gpio& gpio, EventQueue& events, InterruptLines& interrupts, std::function<Cycle()> now)
    : gpio_(gpio), events_(events), interrupts_(interrupts), now_(std::move(now)) {
  for (unsigned i = 0; i < kBlocks; ++i) blocks_[i] = std::make_unique<PioBlock>(*this, i);
  for (unsigned i = 0; i < 8 * kBlocks; ++i) dreqs_.push_back(std::make_unique<Dreq>(*this, i));
  gpio_.add_observer(this);
}

Pio::~Pio() = default;

DreqSource* Pio::dreq(unsigned dreq) { return dreqs_[dreq - kFirstDreq].get(); }

std::uint64_t Pio::levels_at(Cycle cycle) const {
  for (auto change = inputs_.rbegin(); change != inputs_.rend(); ++change) {
    if (change->at <= cycle) return change->levels;
  }
  return inputs_.front().levels;
}

void Pio::forget_old_levels() {
  while (inputs_.size() > 1 && inputs_[1].at + kSynchroniser <= time_) inputs_.pop_front();
}

void Pio::levels_changed(std::uint64_t) {
  const Cycle at = gpio_.change_cycle().value_or(now_());
  if (!running_ && at != 0) run_to(at - 1);
  forget_old_levels();
  inputs_.push_back({std::max({at, time_ + 1, inputs_.back().at}), gpio_.inputs()});
  wake();
  if (!running_) schedule();
}

void Pio::wake() {
  for (auto& block : blocks_) {
    for (unsigned i = 0; i < kMachines; ++i) {
      if (block->machines_[i].blocked) block->wake(i);
    }
  }
}

void Pio::schedule() {
  Cycle due = kNever;
  for (const auto& block : blocks_) due = std::min(due, block->due());
  if (due == event_cycle_) return;
  events_.cancel(event_);
  event_ = 0;
  event_cycle_ = due;
  if (due == kNever) return;
  event_ = events_.at_cycle(due, [this] {
    const Cycle cycle = event_cycle_;
    event_ = 0;
    event_cycle_ = kNever;
    run_to(cycle);
    schedule();
  });
}

void Pio::run_to(Cycle cycle) {
  while (true) {
    Cycle due = kNever;
    for (const auto& block : blocks_) due = std::min(due, block->due());
    if (due > cycle) break;
    execute(due);
  }
  time_ = std::max(time_, cycle);
}

void Pio::execute(Cycle cycle) {
  time_ = cycle;
  running_ = true;
  std::array<std::uint8_t, kBlocks> set{}, clear{};
  std::array<PioBlock::Effects, kBlocks> effects;
  unsigned executed = 0;
  for (unsigned i = 0; i < kBlocks; ++i) {
    if (blocks_[i]->due() != cycle) continue;
    executed |= 1U << i;
    blocks_[i]->execute(cycle, effects[i], set, clear);
  }
  // All state machines have seen the same flags and pins; from here on those of the next cycle.
  bool changed = false;
  for (unsigned i = 0; i < kBlocks; ++i) {
    // A flag that is set and cleared in the same cycle is set [ASSUMED].
    const auto flags = static_cast<std::uint8_t>((blocks_[i]->flags_ & ~clear[i]) | set[i]);
    changed |= flags != blocks_[i]->flags_;
    blocks_[i]->flags_ = flags;
  }
  if (changed) wake();
  for (unsigned i = 0; i < kBlocks; ++i) {
    if ((executed >> i & 1) != 0) blocks_[i]->collate(cycle, effects[i]);
    if ((executed >> i & 1) != 0 || changed) blocks_[i]->update_interrupts();
  }
  running_ = false;
}

// --- one block ---------------------------------------------------------------------------------------------

PioBlock::PioBlock(Pio& pio, unsigned number)
    : RegisterDevice("PIO" + std::to_string(number), registers()),
      pio_(pio),
      number_(number),
      machines_{{{.machine = {program_, 0}, .divider = {}},
                 {.machine = {program_, 1}, .divider = {}},
                 {.machine = {program_, 2}, .divider = {}},
                 {.machine = {program_, 3}, .divider = {}}}} {
  for (Machine& machine : machines_) {
    machine.machine.set_block_name(name());
    machine.machine.reset();
  }
}

void PioBlock::reset() {
  pio_.run_to(pio_.now_());
  RegisterDevice::reset();
  program_ = {};
  for (Machine& machine : machines_) {
    machine.machine.reset();
    machine.divider.set(1, 0);
    machine.divider.restart(pio_.time_ + 1);
    machine.enabled = machine.blocked = false;
    machine.due = kNever;
  }
  flags_ = 0;
  fdebug_ = 0;
  pad_out_ = pad_oe_ = 0;
  collate_again_ = kNever;
  drive(pio_.time_ + 1);
  update_interrupts();
  pio_.schedule();
}

Cycle PioBlock::due() const {
  Cycle due = collate_again_;
  for (const Machine& machine : machines_) due = std::min(due, machine.due);
  return due;
}

/// Sets `due` to the first cycle at or after `from` in which the state machine must be executed. Enabled
/// cycles before `from` have been executed, or passed in delay, stalled or disabled.
void PioBlock::compute_due(Machine& m, Cycle from) {
  const std::uint64_t passed = m.divider.count_before(from);
  m.divider.consume(passed);
  if (m.enabled) m.machine.pass_delay(passed);
  if (m.machine.forced_stalled()) {
    m.due = m.blocked ? kNever : from;
  } else if (!m.enabled) {
    m.due = kNever;
  } else if (m.machine.refill_pending()) {
    m.due = m.divider.next();
  } else if (m.blocked) {
    m.due = kNever;
  } else {
    m.due = m.divider.after(m.machine.delay());
  }
}

void PioBlock::wake(unsigned number) {
  machines_[number].blocked = false;
  compute_due(machines_[number], pio_.time_ + 1);
}

/// The number of a block whose IRQ flags this one's state machines reach.
unsigned PioBlock::reached(PioFlagBlock block) const {
  constexpr unsigned kOffsets[kFlagBlocks] = {0, Pio::kBlocks - 1, 1};
  return (number_ + kOffsets[block]) % Pio::kBlocks;
}

PioInputs PioBlock::inputs_at(Cycle cycle) const {
  const unsigned base = stored(kGpioBase);
  const auto window = [base](std::uint64_t levels) { return static_cast<std::uint32_t>(levels >> base); };
  const std::uint32_t bypass = stored(kSyncBypass);
  const std::uint32_t through = window(pio_.levels_at(cycle < kSynchroniser ? 0 : cycle - kSynchroniser));
  const std::uint32_t direct = bypass == 0 ? 0 : window(pio_.levels_at(cycle));
  return {(through & ~bypass) | (direct & bypass),
          {flags_, pio_.block(reached(kPrevious)).flags_, pio_.block(reached(kNext)).flags_}};
}

void PioBlock::add_flags(const PioEffects& effects, std::array<std::uint8_t, Pio::kBlocks>& set,
                         std::array<std::uint8_t, Pio::kBlocks>& clear) const {
  for (unsigned i = kOwn; i < kFlagBlocks; ++i) {
    const unsigned block = reached(static_cast<PioFlagBlock>(i));
    set[block] |= effects.set[i];
    clear[block] |= effects.clear[i];
  }
}

void PioBlock::execute(Cycle cycle, Effects& effects, std::array<std::uint8_t, Pio::kBlocks>& set,
                       std::array<std::uint8_t, Pio::kBlocks>& clear) {
  const PioInputs inputs = inputs_at(cycle);
  collate_again_ = kNever;
  for (unsigned i = 0; i < Pio::kMachines; ++i) {
    Machine& m = machines_[i];
    if (m.due != cycle) continue;
    // The delay cycles that were skipped.
    const std::uint64_t passed = m.divider.count_before(cycle);
    m.divider.consume(passed);
    if (m.enabled) m.machine.pass_delay(passed);
    const unsigned tx_before = m.machine.tx.count(), rx_before = m.machine.rx.count();
    const bool enabled_cycle = m.divider.next() == cycle;
    if (enabled_cycle) m.divider.consume(1);
    const bool forced = m.machine.forced_stalled();
    if (forced)
      m.machine.clock_forced(inputs, effects[i]);
    else
      m.machine.clock(inputs, effects[i]);
    add_flags(effects[i], set, clear);
    after_step(i, cycle, effects[i], tx_before, rx_before);
    // The program's own instruction may no longer be stalled after a forced one.
    if (forced && !m.machine.forced_stalled()) wake(i);
  }
}

void PioBlock::after_step(unsigned number, Cycle cycle, const PioEffects& effects, unsigned tx_before,
                          unsigned rx_before) {
  Machine& m = machines_[number];
  if (effects.tx_stall) fdebug_ |= 1U << (24 + number);
  if (effects.rx_stall) fdebug_ |= 1U << number;
  // A pin that has changed may still be in its synchroniser; IRQ WAIT looks at the flag that it has just set.
  const bool changed =
      std::any_of(effects.set.begin(), effects.set.end(), [](std::uint8_t set) { return set != 0; });
  // An OUT that has stalled on an empty OSR has just refilled it.
  m.blocked = m.machine.stalled() && !changed && m.machine.tx.count() == tx_before &&
              cycle >= pio_.inputs_.back().at + kSynchroniser;
  compute_due(m, cycle + 1);
  if (m.machine.tx.count() < tx_before) fifo_changed(number, false, cycle + 1);
  if (m.machine.rx.count() > rx_before) fifo_changed(number, true, cycle + 1);
}

void PioBlock::fifo_changed(unsigned number, bool rx, Cycle now) {
  if (pio_.listener_ != nullptr)
    pio_.listener_->dreq_raised(Pio::kFirstDreq + 8 * number_ + (rx ? 4 : 0) + number, now);
}

void PioBlock::collate(Cycle cycle, const Effects& effects) {
  std::uint32_t out = pad_out_, oe = pad_oe_;
  const auto apply = [&out, &oe](const PioPinWrite& write) {
    std::uint32_t& target = write.directions ? oe : out;
    target = (target & ~write.mask) | (write.value & write.mask);
  };
  bool sticky = false, written = false;
  for (unsigned i = 0; i < Pio::kMachines; ++i) {
    const PioPinWrite asserted = machines_[i].machine.sticky();
    sticky |= asserted.mask != 0;
    written |= (effects[i].main.mask | effects[i].side.mask) != 0;
    apply(asserted);
    apply(effects[i].main);
    apply(effects[i].side);
  }
  if (sticky && written) collate_again_ = cycle + 1;
  if (out == pad_out_ && oe == pad_oe_) return;
  pad_out_ = out;
  pad_oe_ = oe;
  drive(cycle + 1);
}

void PioBlock::drive(Cycle at) {
  const unsigned base = stored(kGpioBase);
  constexpr std::uint64_t kPins = (std::uint64_t{1} << Gpio::kPins) - 1;
  pio_.gpio_.set_output(Gpio::kFunctionPio0 + number_, std::uint64_t{pad_out_} << base & kPins,
                        std::uint64_t{pad_oe_} << base & kPins, at);
}

void PioBlock::force(unsigned number, std::uint16_t instruction) {
  Machine& m = machines_[number];
  const unsigned tx_before = m.machine.tx.count(), rx_before = m.machine.rx.count();
  Effects effects;
  const Cycle cycle = pio_.time_;
  pio_.running_ = true;
  compute_due(m, cycle + 1);
  m.machine.force(instruction, inputs_at(cycle), effects[number]);
  std::array<std::uint8_t, Pio::kBlocks> set{}, clear{};
  add_flags(effects[number], set, clear);
  for (unsigned i = 0; i < Pio::kBlocks; ++i) {
    PioBlock& block = *pio_.blocks_[i];
    block.flags_ = static_cast<std::uint8_t>((block.flags_ & ~clear[i]) | set[i]);
  }
  after_step(number, cycle, effects[number], tx_before, rx_before);
  wake(number);
  collate(cycle, effects);
  pio_.wake();
  pio_.running_ = false;
}

void PioBlock::enable(unsigned mask, bool on) {
  for (unsigned i = 0; i < Pio::kMachines; ++i) {
    if ((mask >> i & 1) == 0) continue;
    Machine& m = machines_[i];
    // Until it is enabled, cycles pass without effect.
    if (on && !m.enabled) compute_due(m, pio_.time_ + kEnableLatency);
    if (!on && m.enabled) compute_due(m, pio_.time_ + 1);
    m.enabled = on;
    m.blocked = false;
    compute_due(m, pio_.time_ + 1);
  }
  stored(kCtrl) = on ? stored(kCtrl) | mask : stored(kCtrl) & ~mask;
}

void PioBlock::restart_dividers(unsigned mask) {
  for (unsigned i = 0; i < Pio::kMachines; ++i) {
    if ((mask >> i & 1) == 0) continue;
    compute_due(machines_[i], pio_.time_ + 1);
    machines_[i].divider.restart(pio_.time_ + kEnableLatency);
    compute_due(machines_[i], pio_.time_ + 1);
  }
}

void PioBlock::write_ctrl(std::uint32_t value) {
  for (unsigned i = 0; i < Pio::kMachines; ++i) {
    if ((value >> (4 + i) & 1) == 0) continue;
    compute_due(machines_[i], pio_.time_ + 1);
    machines_[i].machine.restart();
    wake(i);
  }
  restart_dividers(value >> 8 & 15);
  enable(value & 15, true);
  enable(~value & 15, false);
  PioBlock& previous = *pio_.blocks_[(number_ + Pio::kBlocks - 1) % Pio::kBlocks];
  PioBlock& next = *pio_.blocks_[(number_ + 1) % Pio::kBlocks];
  for (const auto& [block, mask] :
       {std::pair{&previous, value >> 16 & 15}, std::pair{&next, value >> 20 & 15}}) {
    if ((value >> 26 & 1) != 0) block->restart_dividers(mask);
    if ((value >> 24 & 1) != 0) block->enable(mask, true);
    if ((value >> 25 & 1) != 0) block->enable(mask, false);
  }
}

void PioBlock::configure(unsigned number, unsigned which, std::uint32_t value) {
  Machine& m = machines_[number];
  compute_due(m, pio_.time_ + 1);
  const std::uint32_t base = kSm0 + kSmStride * number;
  switch (which) {
    case kClkdiv:
      if (value >> 16 == 0 && value != 0) stop(base, "INT is 0, so FRAC must be 0");
      m.divider.set(value >> 16 == 0 ? 65536 : value >> 16, value >> 8 & 255);
      break;
    case kExecctrl:
      m.machine.set_execctrl(value);
      collate_again_ = pio_.time_ + 1;  // OUT_STICKY
      break;
    case kShiftctrl:
      if ((value & kPutGetBits) != 0) value &= ~kJoinBits;
      stored(base + 4 * kShiftctrl) = value;
      m.machine.set_shiftctrl(value);
      fifo_changed(number, false, pio_.time_ + 1);
      break;
    case kPinctrl:
      m.machine.set_pinctrl(value);
      break;
    default:
      break;
  }
  wake(number);
}

/// One of RXFn_PUTGETm: reads it, or writes `*written` into it.
std::uint32_t PioBlock::put_get(std::uint32_t offset, const std::uint32_t* written) {
  const unsigned index = (offset - kPutGet0) / 4;
  PioMachine& machine = machines_[index / 4].machine;
  // The storage has one read port and one write port, each either the system's or the state machine's.
  if (written == nullptr) {
    if (!machine.put() || machine.get()) stop(offset, "read, but only FJOIN_RX_PUT lets the system read it");
    return machine.put_get[index % 4];
  }
  if (!machine.get() || machine.put())
    stop(offset, "written, but only FJOIN_RX_GET lets the system write it");
  machine.put_get[index % 4] = *written;
  return 0;
}

std::uint32_t PioBlock::raw_interrupts() const {
  std::uint32_t raw = std::uint32_t{flags_} << 8;
  for (unsigned i = 0; i < Pio::kMachines; ++i) {
    const PioMachine& machine = machines_[i].machine;
    if (!machine.rx.empty()) raw |= 1U << i;
    if (!machine.tx.full()) raw |= 16U << i;
  }
  return raw;
}

void PioBlock::update_interrupts() {
  const std::uint32_t raw = raw_interrupts();
  for (unsigned line = 0; line < 2; ++line) {
    const std::uint32_t inte = line == 0 ? kInte0 : kInte1;
    pio_.interrupts_.set(Pio::kFirstIrq + 2 * number_ + line, ((raw & stored(inte)) | stored(inte + 4)) != 0);
  }
}

std::uint32_t PioBlock::on_read(std::uint32_t offset, const Access& access) {
  pio_.run_to(access.now);
  std::uint32_t value = stored(offset);
  if (offset >= kRxf0 && offset < kRxf0 + 16) {
    const unsigned number = (offset - kRxf0) / 4;
    PioMachine& machine = machines_[number].machine;
    value = machine.rx.front();
    if (machine.rx.empty())
      fdebug_ |= 1U << (8 + number);
    else
      machine.rx.pop();
    wake(number);
    update_interrupts();
  } else if (offset >= kPutGet0 && offset < kGpioBase) {
    value = put_get(offset, nullptr);
  } else if (offset >= kSm0 && offset < kPutGet0) {
    const unsigned number = (offset - kSm0) / kSmStride;
    const PioMachine& machine = machines_[number].machine;
    switch ((offset - kSm0) % kSmStride / 4) {
      case kExecctrl:
        value |= machine.forced_stalled() ? 1U << 31 : 0;
        break;
      case kAddr:
        value = machine.pc();
        break;
      case kInstr:
        value = program_[machine.pc()];
        break;
      default:
        break;
    }
  } else {
    switch (offset) {
      case kFstat:
      case kFlevel:
        value = 0;
        for (unsigned i = 0; i < Pio::kMachines; ++i) {
          const PioFifo &tx = machines_[i].machine.tx, &rx = machines_[i].machine.rx;
          if (offset == kFlevel)
            value |= (tx.count() | rx.count() << 4) << 8 * i;
          else
            value |= ((tx.empty() ? 1U << 24 : 0) | (tx.full() ? 1U << 16 : 0) | (rx.empty() ? 1U << 8 : 0) |
                      (rx.full() ? 1U : 0))
                     << i;
        }
        break;
      case kFdebug:
        value = fdebug_;
        break;
      case kIrq:
        value = flags_;
        break;
      case kPadOut:
        value = pad_out_;
        break;
      case kPadOe:
        value = pad_oe_;
        break;
      case kIntr:
        value = raw_interrupts();
        break;
      case kInts0:
      case kInts1:
        value = (raw_interrupts() & stored(offset - 8)) | stored(offset - 4);
        break;
      default:
        break;
    }
  }
  pio_.schedule();
  return value;
}

void PioBlock::on_write(const Write& write, const Access& access) {
  const std::uint32_t offset = write.offset;
  // The cycles before the write see the old state: CTRL's enable bits and the rest of what is stored.
  const std::uint32_t value = stored(offset);
  stored(offset) = write.old_value;
  pio_.run_to(access.now);
  stored(offset) = value;
  if (offset >= kTxf0 && offset < kTxf0 + 16) {
    const unsigned number = (offset - kTxf0) / 4;
    PioMachine& machine = machines_[number].machine;
    if (machine.tx.full())
      fdebug_ |= 1U << (16 + number);
    else
      machine.tx.push(write.bits);
    wake(number);
  } else if (offset >= kInstrMem0 && offset < kSm0) {
    program_[(offset - kInstrMem0) / 4] = static_cast<std::uint16_t>(write.bits);
    pio_.wake();
  } else if (offset >= kSm0 && offset < kPutGet0) {
    const unsigned number = (offset - kSm0) / kSmStride, which = (offset - kSm0) % kSmStride / 4;
    if (which == kInstr)
      force(number, static_cast<std::uint16_t>(write.bits));
    else
      configure(number, which, value);
  } else if (offset >= kPutGet0 && offset < kGpioBase) {
    put_get(offset, &write.bits);
  } else {
    switch (offset) {
      case kCtrl:
        stored(kCtrl) = write.old_value;
        write_ctrl(write.value);
        break;
      case kFdebug:
        fdebug_ &= ~write.bits;
        break;
      case kIrq:
        flags_ &= static_cast<std::uint8_t>(~write.bits);
        break;
      case kIrqForce:
        flags_ |= static_cast<std::uint8_t>(write.bits);
        break;
      case kGpioBase:
        drive(pio_.time_ + 1);
        break;
      default:
        break;
    }
    // A stalled state machine sets its FDEBUG flag again, a flag or a pin may have changed.
    pio_.wake();
  }
  for (auto& block : pio_.blocks_) block->update_interrupts();
  pio_.schedule();
}

}  // namespace pico_llama::simulator
