#pragma once
#include <array>
#include <cstdint>
#include <functional>

#include "simulator/bus/bus.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/coprocessor.h"
#include "simulator/cpu/core.h"
#include "simulator/cpu/core_stats.h"
#include "simulator/cpu/dcp.h"
#include "simulator/cpu/decode_cache.h"
#include "simulator/cpu/exceptions.h"
#include "simulator/cpu/fpu_state.h"
#include "simulator/cpu/insn.h"
#include "simulator/cpu/mpu.h"
#include "simulator/cpu/nvic.h"
#include "simulator/cpu/rcp.h"
#include "simulator/cpu/rom_calls.h"
#include "simulator/cpu/scs.h"
#include "simulator/cpu/systick.h"
#include "simulator/stop.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {

/// A core from the inside: what instruction handlers and system registers work on. Nobody outside this folder
/// sees it; they see Core.
struct Cpu final : CodeListener {
  Cpu(Core& the_owner, unsigned number, Bus& the_bus, EventQueue& the_events);
  ~Cpu() override;
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  // --- what every instruction touches ---------------------------------------------------------------------
  std::uint32_t r[16] = {};  ///< r[13] is the stack pointer in use; r[15] is only valid for readers of pc
  /// Flags, each in the form that is cheapest to make: N is bit 31 of n, Z is set where z is 0, C and V are 0
  /// or 1.
  std::uint32_t n = 0, z = 1, c = 0, v = 0;
  const Insn* next = nullptr;     ///< the instruction to execute next
  const Insn* current = nullptr;  ///< the one being executed
  Insn nowhere;                   ///< stands for a pc that cannot be fetched from
  Cycle now = 0;
  std::uint64_t late = 0;   ///< results that arrive a cycle after the next instruction could issue
  std::uint8_t gives = 0;   ///< what the previous instruction offers to pair with
  std::uint8_t paired = 0;  ///< what this one was paired with (pairing::), kNone if it was not
  std::uint8_t it = 0;      ///< ITSTATE
  bool attention = false;   ///< something must be looked at before the next instruction
  bool mpu_checks = false;  ///< data accesses go through the MPU or are unprivileged
  bool fp_ready = false;    ///< FP instructions may just execute
  bool t_bit = true;        ///< EPSR.T; clear only between a branch to ARM state and its fault
  Master master = Master::kCore0;
  Port code_port = Port::kCore0Code;
  Cycle fpu_free = 0;    ///< first cycle in which the FPU takes an instruction
  Cycle fetch_next = 0;  ///< first cycle in which the Code port can fetch another word of SRAM
  std::uint64_t instructions = 0;
  std::array<TraceEntry, 32> trace{};

  Bus& bus;
  EventQueue& events;
  Core& owner;
  const unsigned number;
  DecodeCache cache;
  FpuState fpu;
  CoreStats stats;
  Nvic nvic;
  Scs scs;
  Mpu mpu;
  SysTick systick;
  Rcp rcp;
  Dcp dcp, dcp_nonsecure;
  CoreObserver* observer = nullptr;
  RomCalls* rom = nullptr;
  CoreSignals* other_core = nullptr;
  std::array<Coprocessor*, 8> coprocessors{};
  std::function<void()> reset_request;

  // --- state of the programmer's model that changes seldom
  // --------------------------------------------------
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

  /// The exclusive monitors: this core's reservation (see exclusive.cpp).
  bool reserved = false;
  std::uint32_t reserved_address = 0;
  std::uint32_t reserved_size = 0;
  std::uint32_t reserved_value = 0;

  // --- running
  // -----------------------------------------------------------------------------------------------
  void run_until(Cycle limit);
  void start(std::uint32_t vtor, std::uint32_t sp, std::uint32_t pc);
  std::uint32_t pc() const { return next->pc; }
  /// Goes on at `address` (bit 0 ignored) without charging time.
  void jump(std::uint32_t address);
  /// A taken branch: as jump(), and the refill is charged.
  void branch(std::uint32_t address) {
    const std::uint32_t refill = timing::kBranchRefill.cycles +
                                 (paired == pairing::kSetsFlags ? timing::kPairAfterFlagsLost.cycles : 0);
    now += refill;
    stats.branch_cycles += refill;
    jump(address);
    refetch(address, now + current->cycles - (paired != pairing::kNone ? 1 : 0));
  }
  /// BX, BLX, POP {pc}, LDR pc: interworking, and in handler mode EXC_RETURN.
  void branch_exchange(std::uint32_t address) {
    if (address >= 0xff00'0000u && handler_mode()) [[unlikely]] {
      exception_return(address);
      return;
    }
    branch_to_state(address);
  }
  /// Bit 0 clear would mean ARM state, which there is none of: the first instruction there faults.
  void branch_to_state(std::uint32_t address) {
    branch(address);
    if ((address & 1) == 0) [[unlikely]] {
      t_bit = false;
      update_attention();
    }
  }

  // --- flags
  // ---------------------------------------------------------------------------------------------------
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

  // --- stacks
  // --------------------------------------------------------------------------------------------------
  bool handler_mode() const { return exception != 0; }
  bool privileged() const { return exception != 0 || !npriv; }
  bool uses_psp() const { return spsel && exception == 0; }
  std::uint32_t msp() const { return uses_psp() ? sp_other : r[13]; }
  std::uint32_t psp() const { return uses_psp() ? r[13] : sp_other; }
  void set_msp(std::uint32_t value) { (uses_psp() ? sp_other : r[13]) = value & ~3u; }
  void set_psp(std::uint32_t value) { (uses_psp() ? r[13] : sp_other) = value & ~3u; }
  /// After SPSEL or the mode changed: brings the right stack pointer into r[13].
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
  /// Writeback of a base register; sp is checked.
  void write_base(unsigned rn, std::uint32_t value) {
    if (rn == 13) [[unlikely]] {
      set_sp_checked(value);
      return;
    }
    r[rn] = value;
  }

  // --- memory
  // --------------------------------------------------------------------------------------------------
  /// `beat`: how many cycles after the instruction's issue the access starts. Stalls are added to the clock.
  /// Errors: throws Fault.
  template <unsigned kSize>
  std::uint32_t load(std::uint32_t address, std::uint32_t beat = 0) {
    if (address - Bus::kSramBase <= Bus::kSramSize - kSize && (address & (kSize - 1)) == 0 && !mpu_checks)
        [[likely]] {
      const Reply reply = bus.read(address, {.master = master, .size = kSize, .now = now + beat});
      now += reply.stall;
      stats.data_stalls += reply.stall;
      return reply.value;
    }
    return load_slow(address, kSize, beat);
  }
  template <unsigned kSize>
  void store(std::uint32_t address, std::uint32_t value, std::uint32_t beat = 0) {
    if (address - Bus::kSramBase <= Bus::kSramSize - kSize && (address & (kSize - 1)) == 0 && !mpu_checks)
        [[likely]] {
      const Reply reply = bus.write(address, value, {.master = master, .size = kSize, .now = now + beat});
      now += reply.stall;
      stats.data_stalls += reply.stall;
      return;
    }
    store_slow(address, value, kSize, beat);
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
  /// For the exclusives of exclusive.cpp.
  void code_written(std::uint32_t granule_address) override;
  void update_mpu_checks();

  // --- exceptions
  // ------------------------------------------------------------------------------------------------
  /// Marks `number` pending and has it looked at.
  void pend(unsigned number);
  void update_attention() { attention = true; }
  /// Group priority of exception `number`; NMI -2, HardFault -1.
  int group_priority(unsigned number) const;
  /// What the core runs at: the active exceptions and, unless `without_masks`, PRIMASK, FAULTMASK, BASEPRI.
  int execution_priority(bool without_masks = false) const;
  /// The pending exception that would be taken at a priority above `limit`, 0 if none.
  unsigned highest_pending(int limit) const;
  /// Enters exception `number`. `chained_return`: the EXC_RETURN of the handler it follows directly (then
  /// nothing is stacked), 0 if none.
  void take(unsigned number, std::uint32_t return_address, std::uint32_t chained_return = 0);
  /// SVC: synchronous, so it escalates where it cannot be taken.
  void supervisor_call();
  void exception_return(std::uint32_t exc_return);
  void handle_fault(const Fault& fault);
  /// Before the next instruction: wakes, takes exceptions. False: nothing can run now.
  bool attend();
  bool wakes() const;
  void set_irq_lines(std::uint64_t levels);
  void fp_prepare();
  void update_fp_ready();
  void preserve_fp_lazily();
  bool fp_allowed() const;

  std::uint32_t control() const {
    // SFPA follows FPCA: every FP context here is Secure.
    return (npriv ? 1u : 0) | (spsel ? 2u : 0) | (fpu.context_active ? 12u : 0);
  }
  void set_control(std::uint32_t value);

  // --- decoding
  // ----------------------------------------------------------------------------------------------------
  /// Makes `insn` ready: decodes, fetches, goes to the next page. Returns the one to execute.
  const Insn* prepare(const Insn* insn);
  void decode_at(Insn& insn);
  std::uint32_t fetch_word(std::uint32_t address);
  /// The Code port fetches a word from an SRAM bank for an instruction that could issue in cycle `issue`.
  /// It runs ahead of the core by as much as there was time for, at most by the prefetch buffer; what a bank
  /// conflict costs beyond that lead stalls the core.
  void fetch_from_bank(unsigned bank, Cycle issue) {
    constexpr Cycle kLead = timing::kPrefetchLead.cycles;
    Cycle at = fetch_next + kLead < issue ? issue - kLead : fetch_next;
    at += bus.fetch_stall(bank, code_port, at);
    fetch_next = at + 1;
    if (at > issue) [[unlikely]] {
      now += at - issue;
      stats.fetch_stalls += at - issue;
    }
  }
  /// A branch: what was fetched ahead is lost, and the target's word arrives just in time for `issue`.
  /// (An instruction that begins a word fetches it itself, see Insn::fetch_bank.)
  void refetch(std::uint32_t target, Cycle issue) {
    fetch_next = issue;
    if ((target & 2) != 0 && target - Bus::kSramBase < Bus::kSramSize)
      fetch_from_bank(SramBanks::bank_of(target - Bus::kSramBase), issue);
  }

 private:
  template <bool kObserved>
  void loop(Cycle limit);
  /// Notes the fault and finds the exception that answers it, HardFault where its own cannot be taken.
  unsigned escalated(const Fault& fault);
  /// Pushes the frame; false if that faulted (noted, `derived` is the exception to take).
  bool push_frame(std::uint32_t return_address, unsigned& derived);
  [[noreturn]] void lock_up(const std::string& why);
};

/// Why the core cannot go on with the instruction: names it in the text of a Stop.
[[noreturn]] void stop_at(const Cpu& cpu, const std::string& why);

}  // namespace pico_llama::simulator
