#include "simulator/cpu/core.h"

#include "simulator/cpu/cpu.h"

namespace pico_llama::simulator {

Core::Core(unsigned number, Bus& bus, EventQueue& events)
    : cpu_(std::make_unique<Cpu>(*this, number, bus, events)) {
  cpu_->coprocessors[4] = &cpu_->dcp;
  cpu_->coprocessors[5] = &cpu_->dcp_nonsecure;
  cpu_->coprocessors[7] = &cpu_->rcp;
}
Core::~Core() = default;

void Core::start(std::uint32_t vtor, std::uint32_t sp, std::uint32_t pc) { cpu_->start(vtor, sp, pc); }
void Core::run_until(Cycle limit) { cpu_->run_until(limit); }
Cycle Core::now() const { return cpu_->now; }

void Core::skip_to(Cycle cycle) {
  if (cycle > cpu_->now && cpu_->sleep != Cpu::Sleep::kAwake) cpu_->stats.sleep_cycles += cycle - cpu_->now;
  cpu_->now = cycle;
}

bool Core::sleeping() const { return cpu_->sleep != Cpu::Sleep::kAwake && !cpu_->wakes(); }
bool Core::stopped_by_observer() const { return cpu_->observer_stopped; }
void Core::set_irq_lines(std::uint64_t levels) { cpu_->set_irq_lines(levels); }

void Core::send_event() {
  cpu_->event_register = true;
  cpu_->update_attention();
}

void Core::set_observer(CoreObserver* observer) { cpu_->observer = observer; }
void Core::set_rom_calls(RomCalls* rom) {
  cpu_->rom = rom;
  cpu_->cache.invalidate(0, Bus::kRomSize);
}
void Core::set_other_core(CoreSignals* other) { cpu_->other_core = other; }
void Core::set_coprocessor(unsigned number, Coprocessor* coprocessor) {
  cpu_->coprocessors.at(number) = coprocessor;
}
void Core::set_systick_reference(Picoseconds period) { cpu_->systick.set_reference(period); }
void Core::clock_changed() { cpu_->systick.clock_changed(); }
void Core::set_reset_request(std::function<void()> request) { cpu_->reset_request = std::move(request); }
void Core::invalidate(std::uint32_t address, std::uint32_t bytes) { cpu_->cache.invalidate(address, bytes); }

std::uint32_t Core::reg(unsigned number) const { return number == 15 ? cpu_->pc() : cpu_->r[number]; }
void Core::set_reg(unsigned number, std::uint32_t value) {
  if (number == 15)
    cpu_->jump(value);
  else
    cpu_->r[number] = number == 13 ? value & ~3u : value;
}

std::uint32_t Core::special(SpecialReg which) const {
  switch (which) {
    case SpecialReg::kXpsr:
      return cpu_->xpsr();
    case SpecialReg::kMsp:
      return cpu_->msp();
    case SpecialReg::kPsp:
      return cpu_->psp();
    case SpecialReg::kMsplim:
      return cpu_->msplim;
    case SpecialReg::kPsplim:
      return cpu_->psplim;
    case SpecialReg::kPrimask:
      return cpu_->primask;
    case SpecialReg::kFaultmask:
      return cpu_->faultmask;
    case SpecialReg::kBasepri:
      return cpu_->basepri;
    case SpecialReg::kControl:
      return cpu_->control();
    case SpecialReg::kFpscr:
      return cpu_->fpu.fpscr;
    case SpecialReg::kVtor:
      return cpu_->scs.vtor;
  }
  return 0;
}

void Core::set_special(SpecialReg which, std::uint32_t value) {
  switch (which) {
    case SpecialReg::kXpsr:
      cpu_->set_nzcv(value);
      cpu_->q = (value >> 27 & 1) != 0;
      cpu_->ge = static_cast<std::uint8_t>(value >> 16 & 15);
      cpu_->it = static_cast<std::uint8_t>((value >> 25 & 3) | (value >> 8 & 0xfc));
      break;
    case SpecialReg::kMsp:
      cpu_->set_msp(value);
      break;
    case SpecialReg::kPsp:
      cpu_->set_psp(value);
      break;
    case SpecialReg::kMsplim:
      cpu_->msplim = value & ~7u;
      break;
    case SpecialReg::kPsplim:
      cpu_->psplim = value & ~7u;
      break;
    case SpecialReg::kPrimask:
      cpu_->primask = (value & 1) != 0;
      break;
    case SpecialReg::kFaultmask:
      cpu_->faultmask = (value & 1) != 0;
      break;
    case SpecialReg::kBasepri:
      cpu_->basepri = static_cast<std::uint8_t>(value & Nvic::kPriorityMask);
      break;
    case SpecialReg::kControl:
      cpu_->set_control(value);
      break;
    case SpecialReg::kFpscr:
      cpu_->fpu.fpscr = value & FpuState::kFpscrMask;
      break;
    case SpecialReg::kVtor:
      cpu_->scs.vtor = value & ~127u;
      break;
  }
  cpu_->update_attention();
}

std::uint32_t Core::single(unsigned number) const { return cpu_->fpu.s[number]; }
void Core::set_single(unsigned number, std::uint32_t bits) { cpu_->fpu.s[number] = bits; }
std::uint32_t Core::ppb(std::uint32_t address) { return ppb_read(*cpu_, address, 4); }
void Core::set_ppb(std::uint32_t address, std::uint32_t value) { ppb_write(*cpu_, address, value, 4); }

CoreStats Core::stats() const {
  CoreStats stats = cpu_->stats;
  stats.instructions = cpu_->instructions;
  stats.cycles = cpu_->now - cpu_->started_at;
  return stats;
}

std::vector<TraceEntry> Core::trace() const {
  const auto& ring = cpu_->trace;
  const std::uint64_t count = cpu_->instructions;
  std::vector<TraceEntry> result;
  for (std::uint64_t i = count < ring.size() ? 0 : count - ring.size(); i < count; ++i)
    result.push_back(ring[i % ring.size()]);
  return result;
}

}  // namespace pico_llama::simulator
