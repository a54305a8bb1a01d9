#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "simulator/bus/bus.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/coprocessor.h"
#include "simulator/cpu/core_stats.h"
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
  /// The core takes exception `number`: `from` is the pc it leaves, `cycles` what the entry cost.
  virtual void exception_entered(unsigned /*number*/, std::uint32_t /*from*/, std::uint32_t /*cycles*/) {}
  /// It returned from exception `number`.
  virtual void exception_returned(unsigned /*number*/, std::uint32_t /*cycles*/) {}
};

/// One Cortex-M33 r1p0 of the RP2350: Armv8-M Mainline, DSP, FPv5 single precision, Secure state only.
/// Of TrustZone it has the registers that Secure software can see and leaves SAU off: BXNS, BLXNS, enabling
/// the SAU, FPCCR.TS and Non-secure aliases end the run with a Stop.
class Core : public CoreSignals {
 public:
  Core(unsigned number, Bus& bus, EventQueue& events);
  ~Core() override;

  /// Starts at `pc` with stack `sp` and VTOR `vtor`, every other register as after reset.
  void start(std::uint32_t vtor, std::uint32_t sp, std::uint32_t pc);

  /// Executes until the local clock reaches `limit` or events.horizon(), whichever is earlier; the core
  /// sleeps; or an observer stops it. At least one instruction runs if the clock is below both.
  /// Errors: throws Stop where the model ends (see stop.h); pc is that of the instruction.
  void run_until(Cycle limit);

  /// The core's local clock.
  Cycle now() const;
  /// Lets time pass for a core that sleeps or is held.
  void skip_to(Cycle cycle);
  /// In WFE or WFI with nothing pending that would wake it.
  bool sleeping() const;
  /// An observer refused an instruction; cleared by the next run_until(), which passes that instruction.
  bool stopped_by_observer() const;

  void set_irq_lines(std::uint64_t levels) override;
  void send_event() override;
  void set_observer(CoreObserver* observer);
  /// Who runs when pc is in the ROM; see RomCalls. Without one the ROM's bytes are executed.
  void set_rom_calls(RomCalls* rom);
  /// The other core, which SEV wakes.
  void set_other_core(CoreSignals* other);
  /// Coprocessor `number` (0: GPIO). DCP and RCP are part of the core.
  void set_coprocessor(unsigned number, Coprocessor* coprocessor);
  /// Period of SysTick's external reference (the TICKS block's PROCn tick), 0 while it is stopped.
  void set_systick_reference(Picoseconds period);
  /// clk_sys changed: what SysTick waits for is due at another time now.
  void clock_changed();
  /// AIRCR.SYSRESETREQ was written. Default: a Stop.
  void set_reset_request(std::function<void()> request);
  /// Code in this range changed other than by a write on the bus (a debugger, a loader). The cores notice
  /// changed flash and PSRAM by themselves when they fetch it.
  void invalidate(std::uint32_t address, std::uint32_t bytes);

  /// r0..r12, sp, lr, pc.
  std::uint32_t reg(unsigned number) const;
  void set_reg(unsigned number, std::uint32_t value);
  /// Every other register, by name.
  std::uint32_t special(SpecialReg which) const;
  void set_special(SpecialReg which, std::uint32_t value);
  /// s0..s31 as bits.
  std::uint32_t single(unsigned number) const;
  void set_single(unsigned number, std::uint32_t bits);
  /// A register of the private peripheral bus, as the core's own load or store would reach it.
  std::uint32_t ppb(std::uint32_t address);
  void set_ppb(std::uint32_t address, std::uint32_t value);

  CoreStats stats() const;
  /// The last instructions, oldest first.
  std::vector<TraceEntry> trace() const;

 private:
  std::unique_ptr<struct Cpu> cpu_;
};

}  // namespace pico_llama::simulator
