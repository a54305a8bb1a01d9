#pragma once
#include <cstdint>

#include "simulator/bus/bus.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/rom_calls.h"
#include "simulator/cpu/signals.h"

namespace pico_llama::simulator {

/// Sees every instruction of a core: profiler, debugger, tests. A core without one runs at full speed.
class CoreObserver {
 public:
  virtual ~CoreObserver() = default;
  /// Before the instruction at `pc`. False stops the core there (a breakpoint).
  virtual bool before(std::uint32_t pc) = 0;
  /// After it: what it cost in cycles, stalls included.
  virtual void after(std::uint32_t pc, std::uint32_t cycles) = 0;
};

/// One Cortex-M33 r1p0 of the RP2350: Armv8-M Mainline, DSP, FPv5 single precision, Secure state only.
class Core : public CoreSignals {
 public:
  Core(unsigned number, Bus& bus, const EventQueue& events);

  /// Starts at `pc` with stack `sp` and VTOR `vtor`, every other register as after reset.
  void start(std::uint32_t vtor, std::uint32_t sp, std::uint32_t pc);

  /// Executes until the local clock reaches `limit` or events.horizon(), whichever is earlier; the core
  /// sleeps; or an observer stops it. At least one instruction runs if the clock is below both.
  void run_until(Cycle limit);

  /// The core's local clock.
  Cycle now() const { return now_; }
  /// Lets time pass for a core that sleeps or is held.
  void skip_to(Cycle cycle) { now_ = cycle; }
  /// In WFE or WFI with nothing pending that would wake it.
  bool sleeping() const;

  void set_irq_lines(std::uint64_t levels) override;
  void send_event() override;
  void set_observer(CoreObserver* observer);
  /// Who runs when pc is in the ROM; see RomCalls.
  void set_rom_calls(RomCalls* rom);
  /// r0..r12, sp, lr, pc.
  std::uint32_t reg(unsigned number) const;
  void set_reg(unsigned number, std::uint32_t value);

 private:
  Cycle now_ = 0;
};

}  // namespace pico_llama::simulator
