/// Attribution of addresses, changes of the security state, and the instructions that make them: SG, BXNS,
/// BLXNS, FNC_RETURN, TT.
#include "simulator/cpu/security.h"

#include <algorithm>
#include <utility>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kRegionMask = 31;
constexpr std::uint32_t kFncReturn = 0xfeff'ffff;

// Armv8-M ARM, B8.2: the private peripherals that are in both states' maps, each with registers of its own.
bool is_exempt_ppb(std::uint32_t address) {
  return (address >= 0xe000'0000 && address < 0xe000'4000) || (address & 0xfffd'f000) == 0xe000'e000 ||
         (address >= 0xe004'0000 && address < 0xe004'2000) || (address & 0xffff'f000) == 0xe00f'f000 ||
         (address & 0xffff'f000) == 0xe008'0000;
}

}  // namespace

Attribution rp2350_idau(std::uint32_t address, bool fetch) {
  constexpr std::uint32_t kRomMirrors = 0x1000'0000, kNonSecureRom = 0x4300, kGateways = 0x7e00;
  if (address < kRomMirrors) {
    const std::uint32_t in_rom = address % Bus::kRomSize;
    if (in_rom >= kGateways) return Attribution::kCallable;
    return fetch && in_rom >= kNonSecureRom ? Attribution::kNonSecure : Attribution::kExempt;
  }
  const std::uint32_t top = address >> 28;
  return top == 4 || top == 5 || top == 0xd ? Attribution::kExempt : Attribution::kNonSecure;
}

int Sau::region_of(std::uint32_t address) const {
  int found = kNoRegion;
  for (unsigned i = 0; i < kRegions; ++i) {
    if ((rlar[i] & 1) == 0 || address < (rbar[i] & ~kRegionMask) || address > (rlar[i] | kRegionMask))
      continue;
    if (found != kNoRegion) return kOverlap;
    found = static_cast<int>(i);
  }
  return found;
}

Attribution Sau::attribution(std::uint32_t address) const {
  constexpr std::uint32_t kAllNs = 2, kNsc = 2;
  if (!enabled()) return (ctrl & kAllNs) != 0 ? Attribution::kNonSecure : Attribution::kSecure;
  const int region = region_of(address);
  if (region < 0) return Attribution::kSecure;
  return (rlar[region] & kNsc) != 0 ? Attribution::kCallable : Attribution::kNonSecure;
}

std::uint64_t Sau::secure_from() const {
  if (!enabled()) return ctrl != 0 ? std::uint64_t{1} << 32 : 0;
  std::uint64_t end = 0;
  for (const std::uint32_t limit : rlar)
    if ((limit & 1) != 0) end = std::max(end, std::uint64_t{limit | kRegionMask} + 1);
  return end;
}

Attribution Core::attribution(std::uint32_t address, bool fetch) const {
  const Attribution own = secure ? Attribution::kSecure : Attribution::kNonSecure;
  if (!fetch && is_exempt_ppb(address)) return own;
  if (fetch && address >= 0xf000'0000) return Attribution::kSecure;
  const Attribution chip = idau(address, fetch);
  if (chip == Attribution::kExempt) return own;
  return std::max(chip, sau.attribution(address));
}

bool Core::check_fetch(std::uint32_t address) const {
  const Attribution found = attribution(address, true);
  if (secure) {
    if (found == Attribution::kNonSecure) throw Fault{exception::kSecureFault, sfsr::kInvtran, 0};
    return false;
  }
  if (found == Attribution::kSecure) throw Fault{exception::kSecureFault, sfsr::kInvep, 0};
  return found == Attribution::kCallable;
}

void Core::security_changed() {
  // In Secure state only what the SAU makes Non-secure can be wrong to execute.
  const std::uint64_t end = secure ? sau.secure_from() : ~std::uint64_t{0};
  fetch_checks_below = static_cast<std::uint32_t>(std::min<std::uint64_t>(end, ~0u));
  update_mpu_checks();
  update_fp_ready();
}

void Core::switch_state() {
  const std::uint32_t entering_msp = std::exchange(banked.msp, msp());
  const std::uint32_t entering_psp = std::exchange(banked.psp, psp());
  std::swap(msplim, banked.msplim);
  std::swap(psplim, banked.psplim);
  std::swap(primask, banked.primask);
  std::swap(faultmask, banked.faultmask);
  std::swap(basepri, banked.basepri);
  std::swap(npriv, banked.npriv);
  std::swap(spsel, banked.spsel);
  std::swap(scs.vtor, banked.vtor);
  std::swap(scs.aircr_prigroup, banked.prigroup);
  std::swap(scs.scr, banked.scr);
  std::swap(scs.ccr, banked.ccr);
  std::swap(scs.shcsr_enables, banked.shcsr_enables);
  const std::uint32_t bfsr = scs.cfsr & cfsr::kBfsr;
  scs.cfsr = std::exchange(banked.cfsr, scs.cfsr & ~cfsr::kBfsr) | bfsr;
  std::swap(scs.mmfar, banked.mmfar);
  std::swap(scs.cpacr, banked.cpacr);
  std::swap(fpu.fpcar, banked.fpcar);
  std::swap(fpu.fpdscr, banked.fpdscr);
  std::swap(mpu, banked.mpu);
  secure = !secure;
  r[13] = uses_psp() ? entering_psp : entering_msp;
  sp_other = uses_psp() ? entering_msp : entering_psp;
  cache.exchange_pages();
  security_changed();
}

void Core::cross_to(bool to_secure) {
  if (to_secure == secure) return;
  if (fpu.context_active || fpu.lazy_active())
    stop_at(*this, "a floating-point context across a change of security state is not modelled");
  switch_state();
  if (!secure) was_nonsecure = true;
  reserved = false;
  request_service();
}

void Core::secure_gateway() {
  if (secure) return;
  const std::uint32_t after = next->pc;
  cross_to(true);
  r[14] &= ~1u;
  it = 0;
  jump(after);
}

void Core::branch_to_nonsecure(std::uint32_t target, bool link) {
  if (!secure) throw usage_fault(cfsr::kUndefinstr);
  if ((target & 1) != 0) {  // stays in Secure state
    if (link) {
      r[14] = (current->pc + 2) | 1;
      branch_to_state(target);
    } else {
      branch_exchange(target);
    }
    return;
  }
  if (link) {
    const std::uint32_t frame = r[13] - 8;
    check_stack(frame);
    store<4>(frame, (current->pc + 2) | 1);
    store<4>(frame + 4, exception, 1);
    r[13] = frame;
    r[14] = kFncReturn;
    if (handler_mode()) exception = 1;  // Non-secure code does not see which handler called it
  }
  cross_to(false);
  branch(target);
}

void Core::function_return() {
  cross_to(true);
  const std::uint32_t frame = r[13];
  const std::uint32_t address = load<4>(frame);
  const std::uint32_t partial_psr = load<4>(frame + 4, 1);
  const std::uint32_t caller = partial_psr & 0x1ff;
  if (exception > 1 || (exception == 0) != (caller == 0)) throw usage_fault(cfsr::kInvpc);
  r[13] = frame + 8;
  exception = static_cast<std::uint16_t>(caller);
  branch_to_state(address);
}

NonSecureView::NonSecureView(Core& core) : core_(core) { core_.switch_state(); }
NonSecureView::~NonSecureView() { core_.switch_state(); }

std::uint32_t Core::test_target(std::uint32_t address, bool unprivileged, bool alternate) const {
  // TTA and TTAT ask on behalf of Non-secure state.
  const Mpu& unit = alternate ? banked.mpu : mpu;
  const bool masked = exception != 0 || !(alternate ? banked.npriv : npriv);
  const bool as_privileged = !unprivileged && masked;
  const bool below_zero = execution_priority() < 0;
  const int region = unit.enabled() ? unit.region_of(address) : Mpu::kNoRegion;
  const bool readable = unit.allows(address, Mpu::Use::kRead, as_privileged, below_zero);
  const bool writeable = unit.allows(address, Mpu::Use::kWrite, as_privileged, below_zero);
  std::uint32_t result = (readable ? 1u << 18 : 0) | (writeable ? 1u << 19 : 0);
  if (region >= 0) result |= 1u << 16 | static_cast<std::uint32_t>(region);
  if (!secure) return result;
  // IREGION is not reported: RP2350's numbers are not published [ASSUMED].
  if (const int part = sau.enabled() ? sau.region_of(address) : Sau::kNoRegion; part >= 0)
    result |= 1u << 17 | static_cast<std::uint32_t>(part) << 8;
  if (attribution(address, false) != Attribution::kNonSecure) return result | 1u << 22;
  return result | (readable ? 1u << 20 : 0) | (writeable ? 1u << 21 : 0);
}

}  // namespace pico_llama::simulator
