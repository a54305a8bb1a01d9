/// Taking exceptions, returning from them, priorities, and sleep (Armv8-M ARM, B3).
#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kBasicFrame = 0x20, kFpFrame = 0x68;
constexpr std::uint32_t kCalleeFrame = 0x28, kIntegritySignature = 0xfefa'125a;

// EXC_RETURN (Armv8-M ARM, B3.21 and D1.2.95).
constexpr std::uint32_t kExcReturn = 0xffff'ff80;
constexpr std::uint32_t kSecureStack = 1u << 6;  ///< S: the frame is on a Secure stack
constexpr std::uint32_t kDcrs = 1u << 5;         ///< 0: the callee's registers are stacked, although ES is 1
constexpr std::uint32_t kFtype = 1u << 4;
constexpr std::uint32_t kThreadMode = 1u << 3;
constexpr std::uint32_t kSpselPsp = 1u << 2;  ///< SPSEL of the state that ES names
constexpr std::uint32_t kExceptionSecure = 1u << 0;
constexpr std::uint32_t kVariable =
    kSecureStack | kDcrs | kFtype | kThreadMode | kSpselPsp | kExceptionSecure;

bool callee_registers_stacked(std::uint32_t exc_return) {
  constexpr std::uint32_t kByDefault = kExceptionSecure | kDcrs;
  return (exc_return & kByDefault) != kByDefault;
}

/// AIRCR.PRIS: the priorities of Non-secure exceptions are the lower half.
int deprioritised(int priority) { return priority >> 1 | 0x80; }

}  // namespace

int Core::group_priority(Target of) const {
  if (of.number == exception::kNmi) return -2;
  if (of.number == exception::kHardFault) return -1;
  const std::uint32_t group = of.secure == secure ? scs.aircr_prigroup : banked.prigroup;
  const std::uint32_t sub_priority_bits = (2u << group) - 1;
  const auto priority = static_cast<int>(nvic.priority_of(of) & ~sub_priority_bits & 0xff);
  return scs.pris && !of.secure ? deprioritised(priority) : priority;
}

int Core::execution_priority(Masks masks) const {
  int result = 256;
  const auto raise = [&result](int priority) { result = std::min(result, priority); };
  for (const bool of_secure : {true, false})
    for (std::uint32_t set = of_secure ? nvic.sys_active : nvic.sys_active_ns; set != 0; set &= set - 1)
      raise(group_priority({static_cast<unsigned>(std::countr_zero(set)), of_secure}));
  for (std::uint64_t set = nvic.irq_active; set != 0; set &= set - 1)
    raise(group_priority(target_of(16 + static_cast<unsigned>(std::countr_zero(set)))));
  if (masks == Masks::kNone) return result;
  const auto boost = [&](bool of_secure, bool masked, bool fault_masked, std::uint32_t base,
                         std::uint32_t group) {
    const bool lower = scs.pris && !of_secure;
    if (base != 0) {
      const auto priority = static_cast<int>(base & ~((2u << group) - 1) & 0xff);
      raise(lower ? deprioritised(priority) : priority);
    }
    if (masked && masks == Masks::kAll) raise(lower ? deprioritised(0) : 0);
    if (fault_masked) raise(of_secure ? -1 : lower ? deprioritised(0) : 0);
  };
  boost(secure, primask, faultmask, basepri, scs.aircr_prigroup);
  boost(!secure, banked.primask, banked.faultmask, banked.basepri, banked.prigroup);
  return result;
}

Target Core::highest_pending(int limit) const {
  Target best;
  int best_priority = 256;
  const auto consider = [&](Target which) {
    // Sub-priorities count here, groups for preemption. Among equals the lower number wins, then Secure,
    // which is seen first.
    int priority = which.number < 4 ? group_priority(which) : nvic.priority_of(which);
    if (which.number >= 4 && scs.pris && !which.secure) priority = deprioritised(priority);
    if (priority < best_priority || (priority == best_priority && which.number < best.number)) {
      best_priority = priority;
      best = which;
    }
  };
  for (const bool of_secure : {true, false})
    for (std::uint32_t set = of_secure ? nvic.sys_pending : nvic.sys_pending_ns; set != 0; set &= set - 1)
      consider({static_cast<unsigned>(std::countr_zero(set)), of_secure});
  for (std::uint64_t set = nvic.irq_pending & nvic.irq_enabled; set != 0; set &= set - 1)
    consider(target_of(16 + static_cast<unsigned>(std::countr_zero(set))));
  return best.number != 0 && group_priority(best) < limit ? best : Target{};
}

void Core::pend(Target which) {
  if (!nvic.pending(which) && (scs.scr & Scs::kScrSevonpend) != 0) event_register = true;
  nvic.set_pending(which, true);
  request_service();
}

void Core::set_irq_lines(std::uint64_t levels) {
  const std::uint64_t rising = levels & ~nvic.irq_lines & Nvic::kIrqMask;
  nvic.irq_lines = levels;
  if (rising == 0) return;
  if ((rising & nvic.nmi_mask) != 0) pend({exception::kNmi, true});
  if ((rising & ~nvic.irq_pending) != 0 && (scs.scr & Scs::kScrSevonpend) != 0) event_register = true;
  nvic.irq_pending |= rising;
  request_service();
}

bool Core::wakes() const {
  if (sleep == Sleep::kWfe && event_register) return true;
  // WFI: as if PRIMASK were clear.
  const Masks masks = sleep == Sleep::kWfe ? Masks::kAll : Masks::kAllButPrimask;
  return highest_pending(execution_priority(masks)).number != 0;
}

bool Core::service() {
  if (sleep != Sleep::kAwake) {
    if (!wakes()) return false;
    if (sleep == Sleep::kWfe) event_register = false;
    sleep = Sleep::kAwake;
    clock += timing::kWakeUp.cycles;
    late = 0;
    pair_older = pairing::kNone;
  }
  needs_service = false;
  if (!t_bit) {
    current = next;
    throw usage_fault(cfsr::kInvstate);
  }
  const Target to_take = highest_pending(execution_priority());
  if (to_take.number != 0) take(to_take, next->pc);
  return true;
}

void Core::supervisor_call() {
  const Target call = target_of(exception::kSvCall);
  if (group_priority(call) < execution_priority()) {
    take(call, next->pc);
    return;
  }
  if (execution_priority() <= -1) lock_up("SVC at a priority above SVCall's, inside HardFault or NMI");
  scs.hfsr |= hfsr::kForced;
  take({exception::kHardFault, true}, current->pc);
}

void Core::lock_up(const std::string& why) { stop_at(*this, "lockup: " + why); }

Target Core::escalated(const Fault& fault) {
  // BusFault, SecureFault and HardFault are Secure state's alone, as AIRCR.BFHFNMINS is 0.
  Target target{fault.exception, secure};
  std::uint32_t enables = scs.shcsr_enables, enable = Scs::kUsgfaultena;
  if (fault.exception == exception::kMemManage) enable = Scs::kMemfaultena;
  if (fault.exception == exception::kBusFault || fault.exception == exception::kSecureFault) {
    target.secure = true;
    if (!secure) enables = banked.shcsr_enables;
    enable = fault.exception == exception::kBusFault ? Scs::kBusfaultena : Scs::kSecurefaultena;
  }
  if (fault.exception == exception::kSecureFault) {
    scs.sfsr |= fault.cfsr;
    if ((fault.cfsr & sfsr::kSfarvalid) != 0) scs.sfar = fault.address;
  } else {
    scs.cfsr |= fault.cfsr;
    if ((fault.cfsr & cfsr::kMmarvalid) != 0) scs.mmfar = fault.address;
    if ((fault.cfsr & cfsr::kBfarvalid) != 0) scs.bfar = fault.address;
  }
  const int priority = execution_priority();
  if ((enables & enable) != 0 && group_priority(target) < priority) return target;
  if (priority <= -1)
    lock_up(
        fmt::format("fault inside HardFault or NMI: CFSR {:08x} HFSR {:08x} SFSR {:08x} address {:08x} lr "
                    "{:08x} sp {:08x}",
                    scs.cfsr, scs.hfsr, scs.sfsr, fault.address, r[14], r[13]));
  scs.hfsr |= hfsr::kForced;
  return {exception::kHardFault, true};
}

void Core::handle_fault(const Fault& fault) {
  const Target answer = escalated(fault);
  take(answer, current->pc);
}

bool Core::push_frame(std::uint32_t return_address, Target& derived) {
  const bool fp = fpu.context_active;
  const std::uint32_t size = fp ? kFpFrame : kBasicFrame;
  const bool realigns = (r[13] & 4) != 0;
  const std::uint32_t frame = (r[13] - size) & ~7u;
  const std::uint32_t words[8] = {
      r[0],  r[1],  r[2],           r[3],
      r[12], r[14], return_address, xpsr() | (realigns ? 1u << 9 : 0) | (fp ? 1u << 20 : 0)};
  const Cycle at = clock;
  try {
    if (frame < stack_limit()) {
      // Armv8-M ARM, PushStack(): sp is set to the limit and nothing is written below it.
      r[13] = stack_limit();
      throw usage_fault(cfsr::kStkof);
    }
    r[13] = frame;
    for (unsigned i = 0; i < 8; ++i) store<4>(frame + 4 * i, words[i], i);
    if (fp) {
      if ((fpu.fpccr & FpuState::kLspen) != 0) {
        fpu.fpcar = frame + kBasicFrame;
        fpu.fpccr |= FpuState::kLspact;
      } else {
        for (unsigned i = 0; i < 16; ++i) store<4>(frame + kBasicFrame + 4 * i, fpu.s[i], 8 + i);
        store<4>(frame + kBasicFrame + 64, fpu.fpscr, 24);
        clock += timing::kFpFrame.cycles;
      }
    }
    // Stalls are charged on top of the entry's own cycles.
    return true;
  } catch (const Fault& fault) {
    clock = at;
    Fault stacking = fault;
    if (fault.exception == exception::kBusFault) stacking = {exception::kBusFault, cfsr::kStkerr, 0};
    if (fault.exception == exception::kMemManage) stacking = {exception::kMemManage, cfsr::kMstkerr, 0};
    derived = escalated(stacking);
    return false;
  }
}

void Core::push_callee_registers(std::uint32_t exc_return) {
  const bool on_psp = (exc_return & kThreadMode) != 0 && spsel;
  const std::uint32_t frame = (on_psp ? psp() : msp()) - kCalleeFrame;
  try {
    if (frame < (on_psp ? psplim : msplim)) throw usage_fault(cfsr::kStkof);
    store<4>(frame, kIntegritySignature | ((exc_return & kFtype) != 0 ? 1 : 0));
    for (unsigned i = 0; i < 8; ++i) store<4>(frame + 8 + 4 * i, r[4 + i], 2 + i);
  } catch (const Fault&) {
    stop_at(*this, "a fault while the callee's registers are stacked for a Non-secure exception");
  }
  clock += timing::kCalleeFrame.cycles;
  if (on_psp)
    set_psp(frame);
  else
    set_msp(frame);
}

void Core::take(Target which, std::uint32_t return_address, std::uint32_t chained_return) {
  const Cycle began = clock;
  const std::uint32_t from = next->pc;
  std::uint32_t exc_return = chained_return;
  if (chained_return == 0) {
    exc_return = kExcReturn | (secure ? kSecureStack : 0) | kDcrs | (fpu.context_active ? 0 : kFtype) |
                 (handler_mode() ? 0 : kThreadMode) | kExceptionSecure;
    Target derived;
    if (!push_frame(return_address, derived)) {
      // A derived exception: the more urgent of the two is taken, the other waits.
      const bool first = group_priority(derived) < group_priority(which) ||
                         (group_priority(derived) == group_priority(which) && derived.number < which.number);
      nvic.set_pending(first ? which : derived, true);
      if (first) which = derived;
    }
    clock += timing::kExceptionEntry.cycles;
  } else {
    clock += timing::kTailChain.cycles;
  }
  if ((exc_return & kSecureStack) != 0) {
    // Armv8-M ARM, B3.19: what a Secure program keeps in registers is not for a Non-secure handler.
    bool stacked = chained_return != 0 && callee_registers_stacked(chained_return);
    if (!which.secure && !stacked) {
      push_callee_registers(exc_return);
      stacked = true;
    }
    if (!which.secure) {
      std::fill_n(r, 13, 0u);
      set_nzcv(0);
      q = false;
      ge = 0;
    }
    exc_return = which.secure && stacked ? exc_return & ~kDcrs : exc_return | kDcrs;
  }
  const bool target_spsel = which.secure == secure ? spsel : banked.spsel;
  exc_return = (exc_return & ~(kSpselPsp | kExceptionSecure)) | (target_spsel ? kSpselPsp : 0) |
               (which.secure ? kExceptionSecure : 0);
  nvic.set_pending(which, false);
  nvic.set_active(which, true);
  const bool was_psp = uses_psp();
  exception = static_cast<std::uint16_t>(which.number);
  swap_stack(was_psp);
  cross_to(which.secure);
  spsel = false;
  fpu.context_active = false;
  update_fp_ready();
  it = 0;
  forget_previous();
  reserved = false;
  event_register = true;
  r[14] = exc_return;
  t_bit = true;
  ++counters.exceptions;

  const std::uint32_t vector_address = scs.vtor + 4 * which.number;
  if (!secure && attribution(vector_address, false) != Attribution::kNonSecure)
    stop_at(*this, fmt::format("the Non-secure vector table at {:08x} is in Secure memory", scs.vtor));
  const Reply vector = bus.read(vector_address, data_access(4, 0, true));
  clock += vector.stall;
  counters.exception_cycles += clock - began;
  if (vector.fault != BusFault::kNone) {
    scs.hfsr |= hfsr::kVecttbl;
    if (which.number == exception::kHardFault || which.number == exception::kNmi)
      lock_up(fmt::format("no vector for exception {} at {:08x}", which.number, vector_address));
    take({exception::kHardFault, true}, return_address, exc_return);
    return;
  }
  jump(vector.value);
  refetch(vector.value, clock);
  t_bit = (vector.value & 1) != 0;
  request_service();
  if (observer != nullptr)
    observer->exception_entered(which.number, from, static_cast<std::uint32_t>(clock - began));
}

void Core::exception_return(std::uint32_t exc_return) {
  const Cycle began = clock;
  const Target returning{exception, secure};
  const bool to_thread = (exc_return & kThreadMode) != 0;
  const bool to_secure = (exc_return & kSecureStack) != 0;
  const bool selects_psp = (exc_return & kSpselPsp) != 0;
  const bool fp = (exc_return & kFtype) == 0;
  Fault invalid = usage_fault(cfsr::kInvpc);
  bool valid = (exc_return | kVariable) == (kExcReturn | kVariable) && nvic.active(returning) &&
               (to_thread || !selects_psp || to_secure != secure);
  if (!secure && ((exc_return & kExceptionSecure) != 0 || (exc_return & kDcrs) == 0)) {
    // Non-secure code claims to end a Secure exception. As this one began, the registers are stacked.
    valid = false;
    invalid = {exception::kSecureFault, sfsr::kInver, 0};
    exc_return = (exc_return & ~kExceptionSecure) | kDcrs;
  }
  if (valid && secure && (exc_return & kExceptionSecure) == 0)
    stop_at(*this, "EXC_RETURN.ES is 0 in a Secure handler");

  // Deactivate. FAULTMASK goes unless this was NMI or HardFault.
  if (execution_priority(Masks::kNone) >= 0) faultmask = false;
  nvic.set_active(returning, false);
  if (returning.number >= 16) {
    const std::uint64_t bit = std::uint64_t{1} << (returning.number - 16);
    if ((nvic.irq_lines & bit) != 0) nvic.irq_pending |= bit;  // the line is still asserted
  }
  if (!valid) {
    take(escalated(invalid), next->pc, exc_return);
    return;
  }
  if (observer != nullptr) observer->exception_returned(returning.number, 0);
  spsel = selects_psp;  // the handler's stack pointer stays MSP

  // Tail-chaining: a pending exception is entered without unstacking.
  if (const Target waiting = highest_pending(execution_priority()); waiting.number != 0) {
    take(waiting, next->pc, exc_return);
    return;
  }

  cross_to(to_secure);
  const bool from_psp = to_thread && spsel;
  std::uint32_t frame = from_psp ? psp() : msp();
  const bool pops_callee = to_secure && callee_registers_stacked(exc_return);
  std::uint32_t callee[8];
  std::uint32_t words[8];
  const Cycle at = clock;
  try {
    if (pops_callee) {
      if (load<4>(frame) != (kIntegritySignature | (fp ? 0 : 1)))
        throw Fault{exception::kSecureFault, sfsr::kInvis, 0};
      for (unsigned i = 0; i < 8; ++i) callee[i] = load<4>(frame + 8 + 4 * i, 2 + i);
      frame += kCalleeFrame;
      clock += timing::kCalleeFrame.cycles;
    }
    for (unsigned i = 0; i < 8; ++i) words[i] = load<4>(frame + 4 * i, i);
    if (fp) {
      if (fpu.lazy_active()) {
        fpu.fpccr &= ~FpuState::kLspact;
      } else if (fp_allowed()) {
        for (unsigned i = 0; i < 16; ++i) fpu.s[i] = load<4>(frame + kBasicFrame + 4 * i, 8 + i);
        fpu.fpscr = load<4>(frame + kBasicFrame + 64, 24) & FpuState::kFpscrMask;
        clock += timing::kFpFrame.cycles;
      } else {
        throw usage_fault(cfsr::kNocp);
      }
    }
  } catch (const Fault& fault) {
    clock = at;
    Fault unstacking = fault;
    if (fault.exception == exception::kBusFault) unstacking = {exception::kBusFault, cfsr::kUnstkerr, 0};
    if (fault.exception == exception::kMemManage) unstacking = {exception::kMemManage, cfsr::kMunstkerr, 0};
    take(escalated(unstacking), next->pc, exc_return);
    return;
  }
  const std::uint32_t psr = words[7];
  const unsigned to_exception = psr & 0x1ff;
  if (to_thread != (to_exception == 0)) {
    take(escalated(usage_fault(cfsr::kInvpc)), next->pc, exc_return);
    return;
  }
  const std::uint32_t sp_after = (frame + (fp ? kFpFrame : kBasicFrame)) | ((psr >> 9 & 1) != 0 ? 4u : 0);
  if (from_psp)
    set_psp(sp_after);
  else
    set_msp(sp_after);
  exception = static_cast<std::uint16_t>(to_exception);
  swap_stack(false);
  fpu.context_active = fp;
  update_fp_ready();
  r[0] = words[0];
  r[1] = words[1];
  r[2] = words[2];
  r[3] = words[3];
  r[12] = words[4];
  r[14] = words[5];
  if (pops_callee) std::copy_n(callee, 8, r + 4);
  set_nzcv(psr);
  q = (psr >> 27 & 1) != 0;
  ge = static_cast<std::uint8_t>(psr >> 16 & 15);
  it = static_cast<std::uint8_t>((psr >> 25 & 3) | (psr >> 8 & 0xfc));
  t_bit = (psr >> 24 & 1) != 0;
  forget_previous();
  reserved = false;
  event_register = true;
  clock += timing::kExceptionReturn.cycles - 1;  // the branch itself has its issue cycle
  counters.exception_cycles += clock - began;
  jump(words[6]);
  refetch(words[6], clock + 1);
  request_service();
  if (to_thread && (scs.scr & Scs::kScrSleeponexit) != 0 && !nvic.any_active()) sleep = Sleep::kWfi;
}

void Core::swap_stack(bool was_psp) {
  if (was_psp != uses_psp()) std::swap(r[13], sp_other);
}

void Core::stack_overflow(std::uint32_t) { throw usage_fault(cfsr::kStkof); }

void Core::set_control(std::uint32_t value, bool as_privileged) {
  const bool was_psp = uses_psp();
  if (as_privileged) {
    npriv = (value & 1) != 0;
    spsel = (value & 2) != 0;
  }
  fpu.context_active = (value & 4) != 0;
  swap_stack(was_psp);
  update_fp_ready();
}

bool Core::fp_allowed() const {
  constexpr std::uint32_t kNsacrCp10 = 1u << 10;
  if (!secure && (scs.nsacr & kNsacrCp10) == 0) return false;
  const std::uint32_t access = scs.cpacr >> 20 & 3;
  return access == 3 || (access == 1 && privileged());
}

void Core::update_fp_ready() {
  fp_ready =
      fp_allowed() && !fpu.lazy_active() && (fpu.context_active || (fpu.fpccr & FpuState::kAspen) == 0);
}

void Core::fp_prepare() {
  if (!fp_allowed()) throw usage_fault(cfsr::kNocp);
  if (fpu.lazy_active()) preserve_fp_lazily();
  if (!fpu.context_active && (fpu.fpccr & FpuState::kAspen) != 0) {
    fpu.context_active = true;
    fpu.fpscr = fpu.fpdscr;
  }
  update_fp_ready();
}

void Core::preserve_fp_lazily() {
  try {
    for (unsigned i = 0; i < 16; ++i) store<4>(fpu.fpcar + 4 * i, fpu.s[i], i);
    store<4>(fpu.fpcar + 64, fpu.fpscr, 16);
  } catch (const Fault& fault) {
    if (fault.exception == exception::kBusFault) throw Fault{exception::kBusFault, cfsr::kLsperr, 0};
    if (fault.exception == exception::kMemManage) throw Fault{exception::kMemManage, cfsr::kMlsperr, 0};
    throw;
  }
  clock += timing::kFpFrame.cycles;
  fpu.fpccr &= ~FpuState::kLspact;
}

}  // namespace pico_llama::simulator
