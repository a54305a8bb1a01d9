/// Taking exceptions, returning from them, priorities, and sleep (Armv8-M ARM, B3).
#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kBasicFrame = 0x20, kFpFrame = 0x68;
constexpr std::uint32_t kExcReturn = 0xffff'ffe1, kFtype = 1u << 4, kThreadMode = 1u << 3,
                        kSpselPsp = 1u << 2;

}  // namespace

int Core::group_priority(unsigned which) const {
  if (which == exception::kNmi) return -2;
  if (which == exception::kHardFault) return -1;
  const std::uint32_t sub_priority_bits = (2u << scs.aircr_prigroup) - 1;
  return static_cast<int>(nvic.priority[which] & ~sub_priority_bits & 0xff);
}

int Core::execution_priority(bool without_masks) const {
  int result = 256;
  for (std::uint32_t set = nvic.sys_active; set != 0; set &= set - 1)
    result = std::min(result, group_priority(static_cast<unsigned>(std::countr_zero(set))));
  for (std::uint64_t set = nvic.irq_active; set != 0; set &= set - 1)
    result = std::min(result, group_priority(16 + static_cast<unsigned>(std::countr_zero(set))));
  if (without_masks) return result;
  if (basepri != 0) {
    const std::uint32_t sub_priority_bits = (2u << scs.aircr_prigroup) - 1;
    result = std::min(result, static_cast<int>(basepri & ~sub_priority_bits & 0xff));
  }
  if (primask) result = std::min(result, 0);
  if (faultmask) result = std::min(result, -1);
  return result;
}

unsigned Core::highest_pending(int limit) const {
  unsigned best = 0;
  int best_priority = 256;
  const auto consider = [&](unsigned which) {
    // Lower numbers are seen first and win among equals; sub-priorities count here, groups for preemption.
    const int priority = which < 4 ? group_priority(which) : nvic.priority[which];
    if (priority < best_priority) {
      best_priority = priority;
      best = which;
    }
  };
  for (std::uint32_t set = nvic.sys_pending; set != 0; set &= set - 1)
    consider(static_cast<unsigned>(std::countr_zero(set)));
  for (std::uint64_t set = nvic.irq_pending & nvic.irq_enabled; set != 0; set &= set - 1)
    consider(16 + static_cast<unsigned>(std::countr_zero(set)));
  return best != 0 && group_priority(best) < limit ? best : 0;
}

void Core::pend(unsigned which) {
  if (!nvic.pending(which) && (scs.scr & Scs::kScrSevonpend) != 0) event_register = true;
  nvic.set_pending(which, true);
  request_service();
}

void Core::set_irq_lines(std::uint64_t levels) {
  const std::uint64_t rising = levels & ~nvic.irq_lines & Nvic::kIrqMask;
  nvic.irq_lines = levels;
  if (rising == 0) return;
  if ((rising & nvic.nmi_mask) != 0) pend(exception::kNmi);
  if ((rising & ~nvic.irq_pending) != 0 && (scs.scr & Scs::kScrSevonpend) != 0) event_register = true;
  nvic.irq_pending |= rising;
  request_service();
}

bool Core::wakes() const {
  if (sleep == Sleep::kWfe) return event_register || highest_pending(execution_priority()) != 0;
  // WFI: as if PRIMASK were clear.
  int priority = execution_priority(true);
  if (basepri != 0) priority = std::min(priority, static_cast<int>(basepri));
  if (faultmask) priority = std::min(priority, -1);
  return highest_pending(priority) != 0;
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
  const unsigned number_to_take = highest_pending(execution_priority());
  if (number_to_take != 0) take(number_to_take, next->pc);
  return true;
}

void Core::supervisor_call() {
  if (group_priority(exception::kSvCall) < execution_priority()) {
    take(exception::kSvCall, next->pc);
    return;
  }
  if (execution_priority() <= -1) lock_up("SVC at a priority above SVCall's, inside HardFault or NMI");
  scs.hfsr |= hfsr::kForced;
  take(exception::kHardFault, current->pc);
}

void Core::lock_up(const std::string& why) { stop_at(*this, "lockup: " + why); }

unsigned Core::escalated(const Fault& fault) {
  scs.cfsr |= fault.cfsr;
  if ((fault.cfsr & cfsr::kMmarvalid) != 0) scs.mmfar = fault.address;
  if ((fault.cfsr & cfsr::kBfarvalid) != 0) scs.bfar = fault.address;
  const std::uint32_t enable = fault.exception == exception::kMemManage  ? Scs::kMemfaultena
                               : fault.exception == exception::kBusFault ? Scs::kBusfaultena
                                                                         : Scs::kUsgfaultena;
  const int priority = execution_priority();
  if ((scs.shcsr_enables & enable) != 0 && group_priority(fault.exception) < priority) return fault.exception;
  if (priority <= -1)
    lock_up(fmt::format(
        "fault inside HardFault or NMI: CFSR {:08x} HFSR {:08x} address {:08x} lr {:08x} sp {:08x}", scs.cfsr,
        scs.hfsr, fault.address, r[14], r[13]));
  scs.hfsr |= hfsr::kForced;
  return exception::kHardFault;
}

void Core::handle_fault(const Fault& fault) {
  const unsigned answer = escalated(fault);
  take(answer, current->pc);
}

bool Core::push_frame(std::uint32_t return_address, unsigned& derived) {
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

void Core::take(unsigned which, std::uint32_t return_address, std::uint32_t chained_return) {
  const Cycle began = clock;
  const std::uint32_t from = next->pc;
  std::uint32_t exc_return = chained_return;
  if (chained_return == 0) {
    exc_return = kExcReturn | (fpu.context_active ? 0 : kFtype) | (handler_mode() ? 0 : kThreadMode) |
                 (spsel && !handler_mode() ? kSpselPsp : 0);
    unsigned derived = 0;
    if (!push_frame(return_address, derived)) {
      // A derived exception: the more urgent of the two is taken, the other waits.
      const bool first = group_priority(derived) < group_priority(which) ||
                         (group_priority(derived) == group_priority(which) && derived < which);
      nvic.set_pending(first ? which : derived, true);
      if (first) which = derived;
    }
    clock += timing::kExceptionEntry.cycles;
  } else {
    clock += timing::kTailChain.cycles;
  }
  nvic.set_pending(which, false);
  nvic.set_active(which, true);
  const bool was_psp = uses_psp();
  exception = static_cast<std::uint16_t>(which);
  spsel = false;
  swap_stack(was_psp);
  fpu.context_active = false;
  update_fp_ready();
  it = 0;
  forget_previous();
  reserved = false;
  event_register = true;
  r[14] = exc_return;
  t_bit = true;
  ++counters.exceptions;

  const std::uint32_t vector_address = scs.vtor + 4 * which;
  const Reply vector = bus.read(vector_address, {.master = master, .size = 4, .now = clock});
  clock += vector.stall;
  counters.exception_cycles += clock - began;
  if (vector.fault != BusFault::kNone) {
    scs.hfsr |= hfsr::kVecttbl;
    if (which == exception::kHardFault || which == exception::kNmi)
      lock_up(fmt::format("no vector for exception {} at {:08x}", which, vector_address));
    take(exception::kHardFault, return_address, exc_return);
    return;
  }
  jump(vector.value);
  refetch(vector.value, clock);
  t_bit = (vector.value & 1) != 0;
  request_service();
  if (observer != nullptr)
    observer->exception_entered(which, from, static_cast<std::uint32_t>(clock - began));
}

void Core::exception_return(std::uint32_t exc_return) {
  const Cycle began = clock;
  const unsigned returning = exception;
  const bool to_thread = (exc_return & kThreadMode) != 0;
  const bool from_psp = (exc_return & kSpselPsp) != 0;
  const bool fp = (exc_return & kFtype) == 0;
  // S, DCRS and ES are set in Secure state with the whole frame stacked; the rest is fixed.
  const bool valid =
      (exc_return | kFtype | kThreadMode | kSpselPsp) == (kExcReturn | kFtype | kThreadMode | kSpselPsp) &&
      nvic.active(returning) && (to_thread || !from_psp);

  // Deactivate. FAULTMASK goes unless this was NMI or HardFault.
  if (execution_priority(true) >= 0) faultmask = false;
  nvic.set_active(returning, false);
  if (returning >= 16) {
    const std::uint64_t bit = std::uint64_t{1} << (returning - 16);
    if ((nvic.irq_lines & bit) != 0) nvic.irq_pending |= bit;  // the line is still asserted
  }
  if (!valid) {
    take(escalated(usage_fault(cfsr::kInvpc)), next->pc, exc_return);
    return;
  }
  if (observer != nullptr) observer->exception_returned(returning, 0);

  // Tail-chaining: a pending exception is entered without unstacking.
  if (const unsigned waiting = highest_pending(execution_priority()); waiting != 0) {
    take(waiting, next->pc, exc_return);
    return;
  }

  const std::uint32_t frame = from_psp && to_thread ? psp() : msp();
  std::uint32_t words[8];
  const Cycle at = clock;
  try {
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
  const bool was_psp = uses_psp();
  exception = static_cast<std::uint16_t>(to_exception);
  spsel = from_psp;
  swap_stack(was_psp);
  fpu.context_active = fp;
  update_fp_ready();
  r[0] = words[0];
  r[1] = words[1];
  r[2] = words[2];
  r[3] = words[3];
  r[12] = words[4];
  r[14] = words[5];
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

void Core::set_control(std::uint32_t value) {
  const bool was_psp = uses_psp();
  if (privileged()) {
    npriv = (value & 1) != 0;
    spsel = (value & 2) != 0;
  }
  fpu.context_active = (value & 4) != 0;
  swap_stack(was_psp);
  update_fp_ready();
}

bool Core::fp_allowed() const {
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
