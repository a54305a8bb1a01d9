#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "simulator/bus/bus.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/coprocessor.h"
#include "simulator/cpu/dcp.h"
#include "simulator/cpu/exceptions.h"
#include "simulator/cpu/fpu.h"
#include "simulator/cpu/insn.h"
#include "simulator/cpu/ppb.h"
#include "simulator/cpu/rcp.h"
#include "simulator/cpu/security.h"
#include "simulator/cpu/signals.h"
#include "simulator/stop.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {

class Core;

/// A core's counters since start(). Cycles without a cause here are issue cycles.
struct CoreStats {
  std::uint64_t instructions = 0;
  std::uint64_t cycles = 0;         ///< sleep included
  std::uint64_t sleep_cycles = 0;   ///< in WFE and WFI
  std::uint64_t result_stalls = 0;  ///< waiting for a load's or a two-stage operation's result
  std::uint64_t fpu_stalls = 0;     ///< FPU blocked by a multiply-accumulate, division or root
  std::uint64_t branch_cycles = 0;  ///< refill after taken branches
  std::uint64_t data_stalls = 0;    ///< loads and stores: bank conflicts, peripherals, XIP misses
  std::uint64_t fetch_stalls = 0;   ///< instruction fetches: bank conflicts, XIP misses
  std::uint64_t exceptions = 0;     ///< entries, tail-chained ones included
  std::uint64_t exception_cycles = 0;
  std::uint64_t paired = 0;  ///< instructions issued with their predecessor
};

struct TraceEntry {
  std::uint32_t pc = 0;
  std::uint32_t opcode = 0;  ///< as Insn::opcode
  Cycle cycle = 0;
};

/// Registers beyond r0..r15 and s0..s31.
enum class SpecialReg : std::uint8_t {
  kXpsr,
  kMsp,
  kPsp,
  kMsplim,
  kPsplim,
  kPrimask,
  kFaultmask,
  kBasepri,
  kControl,
  kFpscr,
  kVtor,
};

/// Observes every instruction of a core: profiler, debugger, tests. A core without one runs at full speed.
class CoreObserver {
 public:
  virtual ~CoreObserver() = default;
  /// Before the instruction at `pc`. False stops the core there (a breakpoint).
  virtual bool before(std::uint32_t pc) = 0;
  /// After it, with its cycles, stalls included.
  virtual void after(std::uint32_t pc, std::uint32_t cycles) = 0;
  /// The core takes exception `number`: `from` is the interrupted pc, `cycles` the cost of the entry.
  virtual void exception_entered(unsigned /*number*/, std::uint32_t /*from*/, std::uint32_t /*cycles*/) {}
  /// It returned from exception `number`.
  virtual void exception_returned(unsigned /*number*/, std::uint32_t /*cycles*/) {}
};

/// The boot ROM, modelled at high level: none of its instructions are executed.
class RomCalls {
 public:
  virtual ~RomCalls() = default;
  /// `core` is about to execute at a pc in the ROM (below Bus::kRomSize). Called instead of executing, for
  /// every such pc. On return the core continues at its pc: the caller's (the call has ended: pc is lr
  /// without bit 0), or still the same one with the core's clock later (the ROM waits; interrupts may be
  /// taken, and execute() is called again). Requires: of Core, reg(n)/set_reg(n) for r0..r15 (15: pc),
  /// now()/skip_to().
  virtual void execute(Core& core) = 0;
};

/// One Cortex-M33 r1p0 of the RP2350: Armv8-M Mainline, DSP, FPv5 single precision, the Security Extension as
/// far as security.h says. It starts in Secure state; the fast paths are the same in both states.
class Core final : public CoreSignals, private CodeListener {
 public:
  Core(unsigned number, Bus& bus, EventQueue& events);
  ~Core() override;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// Starts at `pc` with stack `sp` and VTOR `vtor`, every other register as after reset.
  void start(std::uint32_t vtor, std::uint32_t sp, std::uint32_t pc);

  /// Executes until the local clock reaches `limit` or events.horizon(), whichever is earlier; the core
  /// sleeps; or an observer stops it. At least one instruction runs if the clock is below both. Errors:
  /// throws Stop on unmodelled behaviour (stop.h); pc is the instruction's.
  void run_until(Cycle limit);

  /// The core's local clock.
  Cycle now() const { return clock; }
  /// Advances the clock of a core that sleeps or is held.
  void skip_to(Cycle cycle);
  /// In WFE or WFI with nothing pending that would wake it.
  bool sleeping() const { return sleep != Sleep::kAwake && !wakes(); }
  /// An observer refused an instruction; cleared by the next run_until(), which executes that instruction.
  bool stopped_by_observer() const { return observer_stopped; }

  void set_irq_lines(std::uint64_t levels) override;
  void send_event() override;
  void set_observer(CoreObserver* the_observer) { observer = the_observer; }
  /// Runs instead of the ROM's instructions; see RomCalls. Without one the ROM's bytes are executed.
  void set_rom_calls(RomCalls* calls);
  /// The other core, which SEV wakes.
  void set_other_core(CoreSignals* other) { other_core = other; }
  /// Coprocessor `index` (0: GPIO). DCP and RCP are part of the core.
  void set_coprocessor(unsigned index, Coprocessor* coprocessor) { coprocessors.at(index) = coprocessor; }
  /// Period of SysTick's external reference (the TICKS block's PROCn tick), 0 while it is stopped.
  void set_systick_reference(Picoseconds period) {
    systick.set_reference(period);
    systick_ns.set_reference(period);
  }
  /// clk_sys changed: SysTick's event is due at another time.
  void clock_changed() {
    systick.clock_changed();
    systick_ns.clock_changed();
  }
  /// Code in this range changed other than by a write on the bus (a debugger, a loader). The cores notice
  /// changed flash and PSRAM by themselves when they fetch it.
  void invalidate(std::uint32_t address, std::uint32_t bytes) { cache.invalidate(address, bytes); }

  /// r0..r12, sp, lr, pc.
  std::uint32_t reg(unsigned index) const { return index == 15 ? pc() : r[index]; }
  void set_reg(unsigned index, std::uint32_t value);
  /// Every other register, by name.
  std::uint32_t special(SpecialReg which) const;
  void set_special(SpecialReg which, std::uint32_t value);
  /// s0..s31 as bits.
  std::uint32_t single(unsigned index) const { return fpu.s[index]; }
  void set_single(unsigned index, std::uint32_t bits) { fpu.s[index] = bits; }
  /// A register of the private peripheral bus, as the core's own load or store would reach it.
  std::uint32_t ppb(std::uint32_t address) { return ppb_read(*this, address, 4); }
  void set_ppb(std::uint32_t address, std::uint32_t value) { ppb_write(*this, address, value, 4); }

  CoreStats stats() const;
  /// The last instructions, oldest first.
  std::vector<TraceEntry> trace() const;

  // The rest is for the instruction handlers and system registers in this folder.

  // --- state that every instruction touches ----------------------------------------------------------------
  /// r[13] is the stack pointer in use. The program counter is pc(); r[15] is scratch for it as an operand.
  std::uint32_t r[16] = {};
  /// Flags, each in the form that is cheapest to make: N is bit 31 of n, Z is set where z is 0, C and V are 0
  /// or 1.
  std::uint32_t n = 0, z = 1, c = 0, v = 0;
  Insn* next = nullptr;     ///< the instruction to execute next
  Insn* current = nullptr;  ///< the one being executed
  Insn nowhere;             ///< stands for a pc that cannot be fetched from
  Cycle clock = 0;          ///< see now()
  /// run_sequence() goes on below this cycle. 0 where something else must be looked at first: see
  /// leave_sequence().
  Cycle sequence_end = 0;
  /// registers whose result arrives one cycle after the next instruction could issue
  std::uint64_t late = 0;
  std::uint8_t pair_older = 0;  ///< pairing:: of the previous instruction, as the older of a pair
  std::uint8_t paired = 0;      ///< pairing:: that this one was issued with, kNone if it was not paired
  bool forgotten = false;       ///< late and pair_older were cleared since run_sequence() began
  std::uint8_t it = 0;          ///< ITSTATE
  bool needs_service = false;   ///< service() must run before the next instruction
  bool mpu_checks = false;      ///< data accesses are checked: MPU enabled, or Non-secure state
  bool fp_ready = false;        ///< no access check, lazy stacking or new context before an FP instruction
  bool t_bit = true;            ///< EPSR.T; clear only between a branch to ARM state and its fault
  Master master = Master::kCore0;
  Port code_port = Port::kCore0Code;
  Cycle fpu_free = 0;    ///< first cycle in which the FPU takes an instruction
  Cycle fetch_next = 0;  ///< first cycle in which the Code port can fetch another word of SRAM
  std::uint64_t instructions = 0;
  static constexpr unsigned kTraceEntries = 32;
  /// The trace, in two arrays because a host multiplies an index by 8 in passing, but not by 16.
  struct TracedCode {
    std::uint32_t pc = 0, opcode = 0;
  };
  std::array<TracedCode, kTraceEntries> trace_code{};
  std::array<Cycle, kTraceEntries> trace_cycles{};

  Bus& bus;
  EventQueue& events;
  const unsigned number;
  DecodeCache cache;
  FpuState fpu;
  CoreStats counters;  ///< without instructions and cycles, see stats()
  Nvic nvic;
  Scs scs;
  Mpu mpu;
  SysTick systick, systick_ns;
  Rcp rcp;
  Dcp dcp, dcp_nonsecure;
  CoreObserver* observer = nullptr;
  RomCalls* rom = nullptr;
  CoreSignals* other_core = nullptr;
  std::array<Coprocessor*, 8> coprocessors{};

  // The programmer's model: state that rarely changes. What is banked is that of the present security state.
  bool secure = true;
  bool was_nonsecure = false;  ///< Non-secure state was entered since start()
  BankedRegisters banked;      ///< of the other security state
  Sau sau;
  /// The chip's attribution of addresses.
  Attribution (*idau)(std::uint32_t address, bool fetch) = rp2350_idau;
  /// A fetch below this address is checked against the security state.
  std::uint32_t fetch_checks_below = 0;
  std::uint32_t sp_other = 0;  ///< the stack pointer not in use
  std::uint32_t msplim = 0, psplim = 0;
  bool primask = false, faultmask = false;
  std::uint8_t basepri = 0;
  bool npriv = false;           ///< CONTROL.nPRIV
  bool spsel = false;           ///< CONTROL.SPSEL
  std::uint16_t exception = 0;  ///< IPSR
  std::uint8_t ge = 0;          ///< APSR.GE
  bool q = false;               ///< APSR.Q
  bool event_register = false;
  enum class Sleep : std::uint8_t { kAwake, kWfe, kWfi } sleep = Sleep::kAwake;
  bool observer_stopped = false;
  bool pass_observer = false;  ///< the instruction that the observer refused runs without asking again
  Cycle started_at = 0;

  /// The exclusive monitors: this core's reservation (see load_store.cpp).
  bool reserved = false;
  std::uint32_t reserved_address = 0;
  std::uint32_t reserved_size = 0;
  std::uint32_t reserved_value = 0;

  // --- running ---------------------------------------------------------------------------------------------
  std::uint32_t pc() const { return next->pc; }
  /// loop() decides what runs next, not run_sequence(): after a jump, in an IT block, for an exception.
  void leave_sequence() { sequence_end = 0; }
  /// Continues at `address` (bit 0 ignored) without charging time.
  void jump(std::uint32_t address);
  /// A taken branch: as jump(), and the refill is charged.
  void branch(std::uint32_t address) {
    const std::uint32_t refill = timing::kBranchRefill.cycles +
                                 (paired == pairing::kSetsFlags ? timing::kPairAfterFlagsLost.cycles : 0);
    clock += refill;
    counters.branch_cycles += refill;
    jump(address);
    refetch(address, clock + current->cycles - (paired != pairing::kNone ? 1 : 0));
  }
  /// BX, BLX, POP {pc}, LDR pc: interworking, in handler mode EXC_RETURN, in Non-secure state FNC_RETURN.
  void branch_exchange(std::uint32_t address) {
    if (address >= 0xfe00'0000u) [[unlikely]] {
      if (address >= 0xff00'0000u && handler_mode()) return exception_return(address);
      if (address < 0xff00'0000u && !secure) return function_return();
    }
    branch_to_state(address);
  }
  /// Bit 0 clear selects Arm state, which does not exist here: the first instruction faults.
  void branch_to_state(std::uint32_t address) {
    branch(address);
    if ((address & 1) == 0) [[unlikely]] {
      t_bit = false;
      request_service();
    }
  }

  // --- flags -----------------------------------------------------------------------------------------------
  void set_nz(std::uint32_t result) { n = z = result; }
  std::uint32_t apsr() const {
    return (n & 0x8000'0000) | (z == 0 ? 1u << 30 : 0) | c << 29 | v << 28 | (q ? 1u << 27 : 0) |
           std::uint32_t{ge} << 16;
  }
  void set_nzcv(std::uint32_t apsr_bits) {
    n = apsr_bits;
    z = (apsr_bits >> 30 & 1) ^ 1;
    c = apsr_bits >> 29 & 1;
    v = apsr_bits >> 28 & 1;
  }
  std::uint32_t xpsr() const {
    return apsr() | (t_bit ? 1u << 24 : 0) | (it & 3u) << 25 | (it & 0xfcu) << 8 | exception;
  }
  bool condition(unsigned cond) const;
  /// ITSTATE after an instruction of the block.
  void advance_it() { it = (it & 7) == 0 ? 0 : static_cast<std::uint8_t>((it & 0xe0) | (it << 1 & 0x1f)); }
  /// An exception was taken or returned from: clears what the next instruction could wait for or pair with.
  void forget_previous() {
    late = 0;
    pair_older = paired = pairing::kNone;
    forgotten = true;
  }

  // --- stacks ----------------------------------------------------------------------------------------------
  bool handler_mode() const { return exception != 0; }
  bool privileged() const { return exception != 0 || !npriv; }
  bool uses_psp() const { return spsel && exception == 0; }
  std::uint32_t msp() const { return uses_psp() ? sp_other : r[13]; }
  std::uint32_t psp() const { return uses_psp() ? r[13] : sp_other; }
  void set_msp(std::uint32_t value) { (uses_psp() ? sp_other : r[13]) = value & ~3u; }
  void set_psp(std::uint32_t value) { (uses_psp() ? r[13] : sp_other) = value & ~3u; }
  /// After a change of SPSEL or mode: swaps the stack pointers if necessary.
  void swap_stack(bool was_psp);
  std::uint32_t stack_limit() const { return uses_psp() ? psplim : msplim; }
  /// Writes sp from an instruction whose result is checked against the limit.
  void set_sp_checked(std::uint32_t value) {
    if (value < stack_limit()) [[unlikely]]
      stack_overflow(value);
    r[13] = value & ~3u;
  }
  void check_stack(std::uint32_t new_sp) {
    if (new_sp < stack_limit()) [[unlikely]]
      stack_overflow(new_sp);
  }
  [[noreturn]] void stack_overflow(std::uint32_t new_sp);

  // --- memory ----------------------------------------------------------------------------------------------
  /// `beat`: how many cycles after the instruction's issue the access starts. Stalls are added to the clock.
  /// Errors: throws Fault.
  template <unsigned kSize>
  std::uint32_t load(std::uint32_t address, std::uint32_t beat = 0) {
    const std::uint32_t offset = address - Bus::kSramBase;
    if (offset <= Bus::kSramSize - kSize && (address & (kSize - 1)) == 0 && !mpu_checks) [[likely]] {
      charge_data_stall(bus.data_stall(offset, static_cast<Port>(master), clock + beat));
      return bus.sram_load<kSize>(offset);
    }
    return load_slow(address, kSize, beat);
  }
  template <unsigned kSize>
  void store(std::uint32_t address, std::uint32_t value, std::uint32_t beat = 0) {
    const std::uint32_t offset = address - Bus::kSramBase;
    if (offset <= Bus::kSramSize - kSize && (address & (kSize - 1)) == 0 && !mpu_checks) [[likely]] {
      bus.sram_store<kSize>(offset, value);
      charge_data_stall(bus.data_stall(offset, static_cast<Port>(master), clock + beat));
      return;
    }
    store_slow(address, value, kSize, beat);
  }
  /// Mostly 0: then the clock, on which every instruction waits, is not touched.
  void charge_data_stall(std::uint32_t stall) {
    if (stall == 0) [[likely]]
      return;
    clock += stall;
    counters.data_stalls += stall;
  }
  /// LDRD, LDM, exclusives, VLDR: never unaligned.
  void require_aligned(std::uint32_t address, std::uint32_t bytes = 4) {
    if ((address & (bytes - 1)) != 0) [[unlikely]]
      unaligned(address);
  }
  [[noreturn]] void unaligned(std::uint32_t address);
  std::uint32_t load_slow(std::uint32_t address, unsigned size, std::uint32_t beat);
  void store_slow(std::uint32_t address, std::uint32_t value, unsigned size, std::uint32_t beat);
  /// Aligned accesses behind load_slow: MPU, PPB or bus. `privileged_access` false for LDRT and STRT.
  std::uint32_t load_aligned(std::uint32_t address, unsigned size, std::uint32_t beat,
                             bool privileged_access);
  void store_aligned(std::uint32_t address, std::uint32_t value, unsigned size, std::uint32_t beat,
                     bool privileged_access);
  /// Errors: throws Fault where security, the MPU, or privilege on the private peripheral bus forbids it.
  void check_data_access(std::uint32_t address, Mpu::Use use, bool privileged_access) const;
  /// A load or store of this core as the bus sees it.
  Access data_access(unsigned size, std::uint32_t beat, bool privileged_access) const;
  /// Charges the stalls of an access on the bus; returns its value. Errors: throws Fault on a bus fault.
  std::uint32_t finish_data_access(std::uint32_t address, const Reply& reply);
  void code_written(std::uint32_t granule_address) override;
  void update_mpu_checks();

  // --- security (security.h) -------------------------------------------------------------------------------
  /// kExempt is resolved: to kSecure or kNonSecure, as the core is.
  Attribution attribution(std::uint32_t address, bool fetch) const;
  /// Whether only SG may be executed at `address`. Errors: throws Fault where nothing may.
  bool check_fetch(std::uint32_t address) const;
  /// The SAU's registers or the security state have changed.
  void security_changed();
  /// Exchanges the banked registers; pc is then to be set by jump(). Twice, it changes nothing: a view of the
  /// other state's registers.
  void switch_state();
  /// The same for software: BXNS, an exception. Errors: Stop for what is not modelled.
  void cross_to(bool to_secure);
  void secure_gateway();
  /// BXNS, BLXNS.
  void branch_to_nonsecure(std::uint32_t target, bool link);
  /// Return from a function that BLXNS called.
  void function_return();
  /// TT, TTT (`unprivileged`), TTA, TTAT (`alternate`): the result.
  std::uint32_t test_target(std::uint32_t address, bool unprivileged, bool alternate) const;

  // --- exceptions ------------------------------------------------------------------------------------------
  /// Sets an exception pending; service() considers it before the next instruction.
  void pend(Target which);
  void request_service() {
    needs_service = true;
    leave_sequence();
  }
  /// Group priority of an exception; NMI -2, HardFault -1.
  int group_priority(Target of) const;
  /// Which registers raise the execution priority beyond that of the active exceptions: PRIMASK, FAULTMASK
  /// and BASEPRI of both security states.
  enum class Masks : std::uint8_t { kNone, kAllButPrimask, kAll };
  int execution_priority(Masks masks = Masks::kAll) const;
  /// The pending exception that would be taken at a priority above `limit`; number 0 if none.
  Target highest_pending(int limit) const;
  /// The security state that exception `which` targets when this state's software pends it.
  Target target_of(unsigned which) const {
    return {which, which < 16 ? secure : nvic.targets_secure(which - 16)};
  }
  /// Enters an exception. `chained_return`: the EXC_RETURN of the handler it follows directly (then
  /// nothing is stacked), 0 if none.
  void take(Target which, std::uint32_t return_address, std::uint32_t chained_return = 0);
  /// SVC: synchronous, so it escalates where it cannot be taken.
  void supervisor_call();
  void exception_return(std::uint32_t exc_return);
  void handle_fault(const Fault& fault);
  /// Before the next instruction: wakes, takes exceptions. False: nothing can run now.
  bool service();
  bool wakes() const;
  /// Every FP instruction starts with this: access check, lazy stacking, new context; then the FPU must be
  /// free.
  void fp_begin() {
    if (!fp_ready) [[unlikely]]
      fp_prepare();
    if (clock < fpu_free) [[unlikely]] {
      counters.fpu_stalls += fpu_free - clock;
      clock = fpu_free;
    }
  }
  void fp_prepare();
  void update_fp_ready();
  void preserve_fp_lazily();
  bool fp_allowed() const;

  std::uint32_t control() const {
    // SFPA follows FPCA: no FP context crosses between the states. Non-secure software does not see it.
    return (npriv ? 1u : 0) | (spsel ? 2u : 0) | (fpu.context_active ? (secure ? 12u : 4u) : 0);
  }
  void set_control(std::uint32_t value) { set_control(value, privileged()); }
  void set_control(std::uint32_t value, bool as_privileged);

  // --- decoding --------------------------------------------------------------------------------------------
  /// Makes `insn` ready: decodes, fetches, goes to the next page. Returns the one to execute.
  Insn* prepare(Insn* insn);
  Insn* prepare_at(Insn& slot, std::uint32_t address);
  std::uint32_t fetch_word(std::uint32_t address);
  /// The Code port fetches a word from an SRAM bank for an instruction that could issue in cycle `issue`. It
  /// prefetches as far as time allows, at most the prefetch buffer; a bank conflict stalls the core only
  /// beyond that lead.
  /// Returns the cycle in which the instruction can issue; `port_free` is fetch_next.
  template <bool kRecent = false>
  Cycle fetched(unsigned bank, Cycle issue, Cycle& port_free) {
    constexpr Cycle kLead = timing::kPrefetchLead.cycles;
    Cycle at = port_free + kLead < issue ? issue - kLead : port_free;
    at += kRecent ? bus.recent_fetch_stall(bank, code_port, at) : bus.fetch_stall(bank, code_port, at);
    port_free = at + 1;
    if (at <= issue) [[likely]]
      return issue;
    counters.fetch_stalls += at - issue;
    return at;
  }
  void fetch_from_bank(unsigned bank, Cycle issue) { clock += fetched(bank, issue, fetch_next) - issue; }
  /// A branch: prefetched words are discarded, and the target's word arrives just in time for `issue`.
  /// (An instruction that begins a word fetches it itself, see Insn::fetch_bank.)
  void refetch(std::uint32_t target, Cycle issue) {
    fetch_next = issue;
    if ((target & 2) != 0 && target - Bus::kSramBase < Bus::kSramSize)
      fetch_from_bank(SramBanks::bank_of(target - Bus::kSramBase), issue);
  }

 private:
  template <bool kObserved>
  void loop(Cycle limit);
  /// Executes the instruction at pc, in any state.
  template <bool kObserved>
  void step();
  /// `insn` issues now as it does after the instruction before it in memory.
  bool continues_sequence(const Insn& insn) const {
    return insn.wait_for(late) == insn.stall && insn.pairs_with(pair_older, late) == insn.paired;
  }
  /// Every bank remembers the cycles in which straight-line code will access it from now on.
  bool banks_remember() const { return bus.banks_remember(clock - timing::kPrefetchLead.cycles); }
  void trace_one(std::uint64_t index, const Insn& insn, Cycle issue) {
    trace_code[index % kTraceEntries] = {insn.pc, insn.opcode};
    trace_cycles[index % kTraceEntries] = issue;
  }
  void run_sequence(Insn* insn);
  void run_fetched();
  void issue_after_previous(const Insn& insn);
  /// Executes `insn`, which issues in cycle `issue`, if it is one of Inlined and its data is in SRAM; stalls
  /// of a load are added to `issue`. Else nothing has happened.
  bool run_inlined(const Insn& insn, Cycle& issue);
  /// As load(), for an address in SRAM and without the MPU, at cycle `now`; stalls are added to `issue`.
  std::uint32_t load_from_sram(std::uint32_t offset, Cycle now, Cycle& issue) {
    const std::uint32_t stall = bus.recent_data_stall(offset, static_cast<Port>(master), now);
    if (stall != 0) [[unlikely]] {
      issue += stall;
      counters.data_stalls += stall;
    }
    return bus.sram_load<4>(offset);
  }
  /// Records the fault and selects its exception, HardFault if it cannot be taken.
  Target escalated(const Fault& fault);
  /// Pushes the frame; false if that faulted (noted, `derived` is the exception to take).
  bool push_frame(std::uint32_t return_address, Target& derived);
  /// Secure state's r4 to r11 and the integrity signature, below the frame on the stack that `exc_return`
  /// names: they are hidden from a Non-secure handler.
  void push_callee_registers(std::uint32_t exc_return);
  [[noreturn]] void lock_up(const std::string& why);
};

/// Throws a Stop that names the current instruction and why the core cannot execute it.
[[noreturn]] void stop_at(const Core& core, const std::string& why);

}  // namespace pico_llama::simulator
