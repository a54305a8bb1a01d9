// Addresses and reset values: hardware/regs/m33.h of the SDK; behaviour: Armv8-M ARM, D1.2.
#include "simulator/cpu/ppb.h"

#include <fmt/format.h>

#include <bit>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kEppb = 0xe008'0000, kScsBase = 0xe000'e000, kDwt = 0xe000'1000;

// From kEppb (hardware/regs/m33_eppb.h of the SDK).
constexpr std::uint32_t kNmiMask0 = 0x0, kNmiMask1 = 0x4, kSleepctrl = 0x8;
// From kDwt.
constexpr std::uint32_t kDwtCtrl = 0x0, kDwtCyccnt = 0x4, kDwtComp0 = 0x20, kDwtCompEnd = 0x60;
// From kScsBase: implementation control and SysTick,
constexpr std::uint32_t kIctr = 0x004, kActlr = 0x008, kSystCsr = 0x010, kSystRvr = 0x014, kSystCvr = 0x018,
                        kSystCalib = 0x01c;
// the NVIC's arrays of a bit or a byte for each interrupt,
constexpr std::uint32_t kIser = 0x100, kIcer = 0x180, kIspr = 0x200, kIcpr = 0x280, kIabr = 0x300,
                        kItns = 0x380, kIpr = 0x400, kIprEnd = 0x440;
// system control,
constexpr std::uint32_t kCpuid = 0xd00, kIcsr = 0xd04, kVtor = 0xd08, kAircr = 0xd0c, kScr = 0xd10,
                        kCcr = 0xd14, kShpr1 = 0xd18, kShpr2 = 0xd1c, kShpr3 = 0xd20, kShcsr = 0xd24,
                        kCfsr = 0xd28, kHfsr = 0xd2c, kDfsr = 0xd30, kMmfar = 0xd34, kBfar = 0xd38,
                        kAfsr = 0xd3c, kCpacr = 0xd88, kNsacr = 0xd8c, kSfsr = 0xde4, kSfar = 0xde8,
                        kDhcsr = 0xdf0, kDemcr = 0xdfc, kDscsr = 0xe08, kStir = 0xf00;
// what the processor has,
constexpr std::uint32_t kIdPfr0 = 0xd40, kIdPfr1 = 0xd44, kIdDfr0 = 0xd48, kIdAfr0 = 0xd4c, kIdMmfr0 = 0xd50,
                        kIdMmfr1 = 0xd54, kIdMmfr2 = 0xd58, kIdMmfr3 = 0xd5c, kIdIsar0 = 0xd60,
                        kIdIsar1 = 0xd64, kIdIsar2 = 0xd68, kIdIsar3 = 0xd6c, kIdIsar4 = 0xd70,
                        kIdIsar5 = 0xd74, kCtr = 0xd7c, kMvfr0 = 0xf40, kMvfr1 = 0xf44, kMvfr2 = 0xf48;
// MPU and SAU, and the floating-point context.
constexpr std::uint32_t kMpuType = 0xd90, kMpuCtrl = 0xd94, kMpuRnr = 0xd98, kMpuRbar = 0xd9c,
                        kMpuRlar = 0xda0, kMpuRbarA1 = 0xda4, kMpuRlarA1 = 0xda8, kMpuRbarA2 = 0xdac,
                        kMpuRlarA2 = 0xdb0, kMpuRbarA3 = 0xdb4, kMpuRlarA3 = 0xdb8, kMpuMair0 = 0xdc0,
                        kMpuMair1 = 0xdc4, kSauCtrl = 0xdd0, kSauType = 0xdd4, kSauRnr = 0xdd8,
                        kSauRbar = 0xddc, kSauRlar = 0xde0, kFpccr = 0xf34, kFpcar = 0xf38, kFpdscr = 0xf3c;

// Secure software's view of the Non-secure System Control Space.
constexpr std::uint32_t kNonSecureScs = 0xe002'e000, kNonSecureOffset = kNonSecureScs - kScsBase;

[[noreturn]] void stop_unmodelled(Core& core, const char* verb, std::uint32_t address) {
  stop_at(core, fmt::format("{} of {:08x}{}: a register of the private peripheral bus that the model lacks",
                            verb, address, core.secure ? "" : " in Non-secure state"));
}

/// Registers that only Secure software has: to others they read as zero, and writes are ignored. Of SHCSR,
/// CFSR and others a part is hidden. As AIRCR.BFHFNMINS is 0, BusFault and HardFault are among them.
bool is_secure_only(std::uint32_t offset) {
  switch (offset) {
    case kHfsr:
    case kBfar:
    case kNsacr:
    case kSfsr:
    case kSfar:
    case kDscsr:
      return true;
    default:
      return (offset >= kItns && offset < kIpr) || (offset >= kSauCtrl && offset <= kSauRlar);
  }
}

struct Constant {
  std::uint16_t offset;
  std::uint32_t value;
};
constexpr Constant kIdentification[] = {
    {kCpuid, 0x411f'd210},   {kIctr, 0x0000'0001},    {kIdPfr0, 0x0000'0030},
    {kIdPfr1, 0x0000'0520},  {kIdDfr0, 0x0020'0000},  {kIdAfr0, 0},
    {kIdMmfr0, 0x0010'1f40}, {kIdMmfr1, 0},           {kIdMmfr2, 0x0100'0000},
    {kIdMmfr3, 0},           {kIdIsar0, 0x0809'2300}, {kIdIsar1, 0x0572'5000},
    {kIdIsar2, 0x3017'3426}, {kIdIsar3, 0x0789'5729}, {kIdIsar4, 0x0131'0132},
    {kIdIsar5, 0},           {kCtr, 0x8000'c000},     {kMpuType, 0x0000'0800},
    {kSauType, 0x0000'0008}, {kMvfr0, 0x6054'0601},   {kMvfr1, 0x8500'0089},
    {kMvfr2, 0x0000'0060}};

std::uint32_t read_icsr(const Core& core) {
  const Nvic& nvic = core.nvic;
  const Target best = core.highest_pending(257);
  // Non-secure software does not see which Secure exception is pending: 1.
  const unsigned pending = best.secure && !core.secure && best.number != 0 ? 1 : best.number;
  std::uint32_t value = core.exception | pending << 12;
  if ((nvic.irq_pending & nvic.irq_enabled & nvic.visible(core.secure)) != 0) value |= 1u << 22;
  const int active =
      std::popcount(nvic.sys_active) + std::popcount(nvic.sys_active_ns) + std::popcount(nvic.irq_active);
  if (active <= 1) value |= 1u << 11;  // RETTOBASE
  if (nvic.pending(core.target_of(exception::kSysTick))) value |= 1u << 26;
  if (nvic.pending(core.target_of(exception::kPendSv))) value |= 1u << 28;
  if (core.secure && nvic.pending({exception::kNmi, true})) value |= 1u << 31;
  return value;
}

void write_icsr(Core& core, std::uint32_t value) {
  const Target systick = core.target_of(exception::kSysTick), pend_sv = core.target_of(exception::kPendSv);
  if ((value >> 25 & 1) != 0) core.nvic.set_pending(systick, false);
  if ((value >> 26 & 1) != 0) core.pend(systick);
  if ((value >> 27 & 1) != 0) core.nvic.set_pending(pend_sv, false);
  if ((value >> 28 & 1) != 0) core.pend(pend_sv);
  if ((value >> 30 & 1) != 0 && core.secure) core.nvic.set_pending({exception::kNmi, true}, false);
  if ((value >> 31 & 1) != 0 && core.secure) core.pend({exception::kNmi, true});
  core.request_service();
}

struct ShcsrBit {
  unsigned bit, exception;
  bool active;
};
constexpr ShcsrBit kShcsrBits[] = {{0, exception::kMemManage, true},     {1, exception::kBusFault, true},
                                   {2, exception::kHardFault, true},     {3, exception::kUsageFault, true},
                                   {4, exception::kSecureFault, true},   {5, exception::kNmi, true},
                                   {7, exception::kSvCall, true},        {8, exception::kDebugMonitor, true},
                                   {10, exception::kPendSv, true},       {11, exception::kSysTick, true},
                                   {12, exception::kUsageFault, false},  {13, exception::kMemManage, false},
                                   {14, exception::kBusFault, false},    {15, exception::kSvCall, false},
                                   {20, exception::kSecureFault, false}, {21, exception::kHardFault, false}};

/// Exceptions that each security state has for itself.
bool is_banked(unsigned number) {
  return number == exception::kMemManage || number == exception::kUsageFault ||
         number == exception::kSvCall || number == exception::kPendSv || number == exception::kSysTick;
}

std::uint32_t read_shcsr(const Core& core) {
  std::uint32_t value = core.scs.shcsr_enables;
  for (const auto& b : kShcsrBits) {
    if (!core.secure && !is_banked(b.exception)) continue;
    const Target of = core.target_of(b.exception);
    if (b.active ? core.nvic.active(of) : core.nvic.pending(of)) value |= 1u << b.bit;
  }
  return value;
}
void write_shcsr(Core& core, std::uint32_t value) {
  core.scs.shcsr_enables = value & (Scs::kMemfaultena | Scs::kUsgfaultena |
                                    (core.secure ? Scs::kBusfaultena | Scs::kSecurefaultena : 0));
  for (const auto& b : kShcsrBits) {
    const bool on = (value >> b.bit & 1) != 0;
    if (b.exception == exception::kNmi || b.exception == exception::kHardFault) continue;
    if (!core.secure && !is_banked(b.exception)) continue;
    const Target of = core.target_of(b.exception);
    if (b.active)
      core.nvic.set_active(of, on);
    else
      core.nvic.set_pending(of, on);
  }
  core.request_service();
}

void write_aircr(Core& core, std::uint32_t value) {
  if (value >> 16 != 0x05fa) return;
  core.scs.aircr_prigroup = value >> 8 & 7;
  if (core.secure) {
    if ((value >> 13 & 1) != 0)
      stop_at(core, "AIRCR.BFHFNMINS: BusFault, HardFault and NMI for Non-secure state are not modelled");
    core.scs.pris = (value >> 14 & 1) != 0;
  }
  core.request_service();
  if ((value >> 2 & 1) != 0) stop_at(core, "AIRCR.SYSRESETREQ: the program resets the chip");
}

std::uint64_t word_of(std::uint64_t bits, unsigned index) { return bits >> (32 * index) & 0xffff'ffff; }

/// NVIC registers, `offset` from 0xe000e000.
std::uint32_t read_nvic(Core& core, std::uint32_t offset) {
  const unsigned index = offset >> 2 & 15;
  const Nvic& nvic = core.nvic;
  if (offset >= kIpr) {
    std::uint32_t value = 0;
    for (unsigned byte = 0; byte < 4; ++byte) {
      const unsigned irq = offset - kIpr + byte;
      if (irq < Nvic::kIrqs && (nvic.visible(core.secure) >> irq & 1) != 0)
        value |= std::uint32_t{nvic.priority[16 + irq]} << (8 * byte);
    }
    return value;
  }
  if (index > 1) return 0;
  const std::uint64_t seen = nvic.visible(core.secure);
  switch (offset & ~0x7fU) {
    case kIser:
    case kIcer:
      return static_cast<std::uint32_t>(word_of(nvic.irq_enabled & seen, index));
    case kIspr:
    case kIcpr:
      return static_cast<std::uint32_t>(word_of(nvic.irq_pending & seen, index));
    case kIabr:
      return static_cast<std::uint32_t>(word_of(nvic.irq_active & seen, index));
    default:  // kItns
      return static_cast<std::uint32_t>(word_of(nvic.irq_nonsecure, index));
  }
}

void write_nvic(Core& core, std::uint32_t offset, std::uint32_t value) {
  const unsigned index = offset >> 2 & 15;
  Nvic& nvic = core.nvic;
  core.request_service();
  if (offset >= kIpr) {
    for (unsigned byte = 0; byte < 4; ++byte) {
      const unsigned irq = offset - kIpr + byte;
      if (irq < Nvic::kIrqs && (nvic.visible(core.secure) >> irq & 1) != 0)
        nvic.priority[16 + irq] = static_cast<std::uint8_t>(value >> (8 * byte) & Nvic::kPriorityMask);
    }
    return;
  }
  if (index > 1) return;
  const std::uint64_t bits = (std::uint64_t{value} << (32 * index)) & nvic.visible(core.secure);
  switch (offset & ~0x7fU) {
    case kIser:
      nvic.irq_enabled |= bits;
      break;
    case kIcer:
      nvic.irq_enabled &= ~bits;
      break;
    case kIspr:
      if ((bits & ~nvic.irq_pending) != 0 && (core.scs.scr & Scs::kScrSevonpend) != 0)
        core.event_register = true;
      nvic.irq_pending |= bits;
      break;
    case kIcpr:  // a line that still asks stays pending unless it is being served
      nvic.irq_pending &= ~bits | (nvic.irq_lines & ~nvic.irq_active);
      break;
    case kIabr:
      break;
    default:  // kItns
      nvic.irq_nonsecure = (nvic.irq_nonsecure & ~(std::uint64_t{0xffff'ffff} << (32 * index))) | bits;
  }
}

bool has_priority(const Core& core, unsigned number) {
  if (is_banked(number)) return true;
  return core.secure && (number == exception::kBusFault || number == exception::kSecureFault ||
                         number == exception::kDebugMonitor);
}

std::uint32_t read_shpr(const Core& core, unsigned first) {
  std::uint32_t value = 0;
  for (unsigned byte = 0; byte < 4; ++byte) {
    if (has_priority(core, first + byte))
      value |= std::uint32_t{core.nvic.priority_of(core.target_of(first + byte))} << (8 * byte);
  }
  return value;
}
void write_shpr(Core& core, unsigned first, std::uint32_t value) {
  for (unsigned byte = 0; byte < 4; ++byte) {
    if (has_priority(core, first + byte))
      core.nvic.priority_of(core.target_of(first + byte)) =
          static_cast<std::uint8_t>(value >> (8 * byte) & Nvic::kPriorityMask);
  }
  core.request_service();
}

SysTick& systick_of(Core& core) { return core.secure ? core.systick : core.systick_ns; }

/// Decoded instructions were checked with the old attribution.
void attribution_changed(Core& core) {
  core.security_changed();
  core.cache.invalidate_all();
}

/// RBAR/RLAR and their aliases A1..A3.
unsigned mpu_region(const Core& core, std::uint32_t offset) {
  const unsigned alias = (offset - kMpuRbar) / 8;
  return alias == 0 ? core.mpu.rnr & 7 : (core.mpu.rnr & 4) | alias;
}

std::uint32_t cyccnt(const Core& core) {
  const bool counts = (core.scs.dwt_ctrl & 1) != 0 && (core.scs.demcr >> 24 & 1) != 0;
  return counts ? static_cast<std::uint32_t>(core.clock - core.scs.cyccnt_origin) : core.scs.cyccnt_stopped;
}
/// Keeps CYCCNT's value over a change of its enables.
template <typename Change>
void with_cyccnt(Core& core, Change change) {
  core.scs.cyccnt_stopped = cyccnt(core);
  change();
  core.scs.cyccnt_origin = core.clock - core.scs.cyccnt_stopped;
}

std::uint32_t read_word(Core& core, std::uint32_t address) {
  Scs& scs = core.scs;
  if (address >= kEppb && address < kEppb + 0x1000) {
    if (!core.secure) stop_unmodelled(core, "read", address);
    switch (address - kEppb) {
      case kNmiMask0:
        return static_cast<std::uint32_t>(core.nvic.nmi_mask);
      case kNmiMask1:
        return static_cast<std::uint32_t>(core.nvic.nmi_mask >> 32);
      case kSleepctrl:
        return scs.eppb_sleepctrl | (scs.eppb_sleepctrl << 1 & 4);
      default:
        stop_unmodelled(core, "read", address);
    }
  }
  if (address >= kDwt && address < kDwt + 0x1000) {
    const std::uint32_t offset = address - kDwt;
    if (offset == kDwtCtrl) return 0x7374'0000 | scs.dwt_ctrl;
    if (offset == kDwtCyccnt) return cyccnt(core);
    if (offset >= kDwtComp0 && offset < kDwtCompEnd && (offset & 7) == 0)
      return scs.dwt_comparators[(offset - kDwtComp0) / 16][offset >> 3 & 1];
    stop_unmodelled(core, "read", address);
  }
  if (address < kScsBase || address >= kScsBase + 0x1000) stop_unmodelled(core, "read", address);
  const std::uint32_t offset = address - kScsBase;
  if (!core.secure && is_secure_only(offset)) return 0;
  for (const auto& constant : kIdentification)
    if (constant.offset == offset) return constant.value;
  if (offset >= kIser && offset < kIprEnd) return read_nvic(core, offset);
  switch (offset) {
    case kActlr:
      return scs.actlr;
    case kSystCsr:
      return systick_of(core).read_csr();
    case kSystRvr:
      return systick_of(core).rvr();
    case kSystCvr:
      return systick_of(core).read_cvr();
    case kSystCalib:
      return systick_of(core).calib();
    case kIcsr:
      return read_icsr(core);
    case kVtor:
      return scs.vtor;
    case kAircr:
      return 0xfa05'0000 | scs.aircr_prigroup << 8 | (scs.pris && core.secure ? 1u << 14 : 0);
    case kScr:
      return scs.scr;
    case kCcr:
      return scs.ccr;
    case kShpr1:
      return read_shpr(core, 4);
    case kShpr2:
      return read_shpr(core, 8);
    case kShpr3:
      return read_shpr(core, 12);
    case kShcsr:
      return read_shcsr(core);
    case kCfsr:
      return core.secure ? scs.cfsr : scs.cfsr & ~cfsr::kBfsr;
    case kHfsr:
      return scs.hfsr;
    case kDfsr:
      return scs.dfsr;
    case kMmfar:
      return scs.mmfar;
    case kBfar:
      return scs.bfar;
    case kAfsr:
      return scs.afsr;
    case kCpacr:
      return scs.cpacr;
    case kNsacr:
      return scs.nsacr;
    case kMpuCtrl:
      return core.mpu.ctrl;
    case kMpuRnr:
      return core.mpu.rnr;
    case kMpuRbar:
    case kMpuRbarA1:
    case kMpuRbarA2:
    case kMpuRbarA3:
      return core.mpu.rbar[mpu_region(core, offset)];
    case kMpuRlar:
    case kMpuRlarA1:
    case kMpuRlarA2:
    case kMpuRlarA3:
      return core.mpu.rlar[mpu_region(core, offset)];
    case kMpuMair0:
    case kMpuMair1:
      return core.mpu.mair[(offset - kMpuMair0) / 4];
    case kSauCtrl:
      return core.sau.ctrl;
    case kSauRnr:
      return core.sau.rnr;
    case kSauRbar:
      return core.sau.rbar[core.sau.rnr];
    case kSauRlar:
      return core.sau.rlar[core.sau.rnr];
    case kSfsr:
      return scs.sfsr;
    case kSfar:
      return scs.sfar;
    case kDhcsr:
      return 1u << 20;  // S_SDE; no debugger
    case kDemcr:
      return scs.demcr;
    case kDscsr:
      return 1u << 16;  // CDS: Secure
    case kFpccr:
      return core.fpu.fpccr | 1u << 2;
    case kFpcar:
      return core.fpu.fpcar;
    case kFpdscr:
      return core.fpu.fpdscr;
    default:
      stop_unmodelled(core, "read", address);
  }
}

void write_word(Core& core, std::uint32_t address, std::uint32_t value) {
  Scs& scs = core.scs;
  if (address >= kEppb && address < kEppb + 0x1000) {
    if (!core.secure) stop_unmodelled(core, "write", address);
    switch (address - kEppb) {
      case kNmiMask0:
        core.nvic.nmi_mask = (core.nvic.nmi_mask & ~0xffff'ffffull) | value;
        return;
      case kNmiMask1:
        core.nvic.nmi_mask = (core.nvic.nmi_mask & 0xffff'ffffull) | std::uint64_t{value & 0xf'ffff} << 32;
        return;
      case kSleepctrl:
        scs.eppb_sleepctrl = value & 3;
        return;
      default:
        stop_unmodelled(core, "write", address);
    }
  }
  if (address >= kDwt && address < kDwt + 0x1000) {
    const std::uint32_t offset = address - kDwt;
    if (offset == kDwtCtrl) {
      with_cyccnt(core, [&] { scs.dwt_ctrl = value & 0x1fff; });
    } else if (offset == kDwtCyccnt) {
      with_cyccnt(core, [&] { scs.cyccnt_stopped = value; });
    } else if (offset >= kDwtComp0 && offset < kDwtCompEnd && (offset & 7) == 0) {
      if ((offset & 8) != 0 && (value & 15) != 0)
        stop_at(core, "DWT comparator switched on: watchpoints by software are not modelled");
      scs.dwt_comparators[(offset - kDwtComp0) / 16][offset >> 3 & 1] = value;
    } else {
      stop_unmodelled(core, "write", address);
    }
    return;
  }
  if (address < kScsBase || address >= kScsBase + 0x1000) stop_unmodelled(core, "write", address);
  const std::uint32_t offset = address - kScsBase;
  if (!core.secure && is_secure_only(offset)) return;
  if (offset >= kIser && offset < kIprEnd) return write_nvic(core, offset, value);
  for (const auto& constant : kIdentification)
    if (constant.offset == offset) return;
  switch (offset) {
    case kActlr:
      scs.actlr = value & 0x2000'1605;
      return;
    case kSystCsr:
      systick_of(core).write_csr(value);
      return;
    case kSystRvr:
      systick_of(core).write_rvr(value);
      return;
    case kSystCvr:
      systick_of(core).write_cvr();
      return;
    case kSystCalib:
      return;
    case kIcsr:
      write_icsr(core, value);
      return;
    case kVtor:
      scs.vtor = value & 0xffff'ff80;
      return;
    case kAircr:
      write_aircr(core, value);
      return;
    case kScr:
      scs.scr = value & 0x1e;
      return;
    case kCcr:
      scs.ccr = (value & 0x0000'051a) | 0x201;
      return;
    case kShpr1:
      write_shpr(core, 4, value);
      return;
    case kShpr2:
      write_shpr(core, 8, value);
      return;
    case kShpr3:
      write_shpr(core, 12, value);
      return;
    case kShcsr:
      write_shcsr(core, value);
      return;
    case kCfsr:
      scs.cfsr &= ~(core.secure ? value : value & ~cfsr::kBfsr);
      return;
    case kHfsr:
      scs.hfsr &= ~value;
      return;
    case kDfsr:
      scs.dfsr &= ~value;
      return;
    case kMmfar:
      scs.mmfar = value;
      return;
    case kBfar:
      scs.bfar = value;
      return;
    case kAfsr:
      scs.afsr = value;
      return;
    case kCpacr:
      scs.cpacr = value & 0x00f0'ffff;
      core.update_fp_ready();
      return;
    case kNsacr:
      scs.nsacr = value & 0xcff;
      return;
    case kMpuCtrl:
      core.mpu.ctrl = value & 7;
      core.update_mpu_checks();
      core.cache.invalidate_all();  // fetches are checked, or not, from now on
      return;
    case kMpuRnr:
      core.mpu.rnr = value & 7;
      return;
    case kMpuRbar:
    case kMpuRbarA1:
    case kMpuRbarA2:
    case kMpuRbarA3:
      core.mpu.rbar[mpu_region(core, offset)] = value;
      return;
    case kMpuRlar:
    case kMpuRlarA1:
    case kMpuRlarA2:
    case kMpuRlarA3:
      core.mpu.rlar[mpu_region(core, offset)] = value & ~0x10u;
      return;
    case kMpuMair0:
    case kMpuMair1:
      core.mpu.mair[(offset - kMpuMair0) / 4] = value;
      return;
    case kSauCtrl:
      core.sau.ctrl = value & 3;
      attribution_changed(core);
      return;
    case kSauRnr:
      core.sau.rnr = value % Sau::kRegions;
      return;
    case kSauRbar:
      core.sau.rbar[core.sau.rnr] = value & ~0x1fu;
      attribution_changed(core);
      return;
    case kSauRlar:
      core.sau.rlar[core.sau.rnr] = value & ~0x1cu;
      attribution_changed(core);
      return;
    case kSfsr:  // write one to clear
      scs.sfsr &= ~value;
      return;
    case kSfar:
      scs.sfar = value;
      return;
    case kDemcr:
      with_cyccnt(core, [&] { scs.demcr = value & 0x010f'07f1; });
      return;
    case kStir:
      if ((value & 0x1ff) < Nvic::kIrqs && (core.nvic.visible(core.secure) >> (value & 0x1ff) & 1) != 0)
        core.pend(core.target_of(16 + (value & 0x1ff)));
      return;
    case kFpccr:
      if ((value >> 26 & 1) != 0) stop_at(core, "FPCCR.TS: stacking of s16..s31 is not modelled");
      core.fpu.fpccr = value & (FpuState::kAspen | FpuState::kLspen | FpuState::kLspact | 0x27a);
      core.update_fp_ready();
      return;
    case kFpcar:
      core.fpu.fpcar = value & ~7u;
      return;
    case kFpdscr:
      core.fpu.fpdscr = value & FpuState::kFpdscrMask;
      return;
    default:
      stop_unmodelled(core, "write", address);
  }
}

}  // namespace

std::uint32_t ppb_read(Core& core, std::uint32_t address, unsigned size) {
  if (address - kNonSecureScs < 0x1000) {
    if (!core.secure) return 0;
    const NonSecureView view(core);
    return ppb_read(core, address - kNonSecureOffset, size);
  }
  const std::uint32_t word = read_word(core, address & ~3u);
  const std::uint32_t shifted = word >> (8 * (address & 3));
  return size == 4 ? shifted : size == 2 ? shifted & 0xffff : shifted & 0xff;
}

void ppb_write(Core& core, std::uint32_t address, std::uint32_t value, unsigned size) {
  if (address - kNonSecureScs < 0x1000) {
    if (!core.secure) return;
    const NonSecureView view(core);
    ppb_write(core, address - kNonSecureOffset, value, size);
    return;
  }
  if (size == 4) {
    write_word(core, address, value);
    return;
  }
  const std::uint32_t word_address = address & ~3u;
  const unsigned shift = 8 * (address & 3);
  const std::uint32_t mask = (size == 2 ? 0xffffu : 0xffu) << shift;
  const std::uint32_t offset = word_address - kScsBase;
  const bool keeps_rest = (offset >= kIpr && offset < kIprEnd) || (offset >= kShpr1 && offset <= kShpr3);
  const bool clears_by_one = offset >= kCfsr && offset <= kDfsr;
  if (!keeps_rest && !clears_by_one)
    stop_at(core, fmt::format("write of {} bytes to {:08x}: only words are defined there", size, address));
  const std::uint32_t rest = keeps_rest ? read_word(core, word_address) & ~mask : 0;
  write_word(core, word_address, rest | (value << shift & mask));
}

// --- MPU ---------------------------------------------------------------------------------------------------

int Mpu::region_of(std::uint32_t address) const {
  int found = kNoRegion;
  for (unsigned i = 0; i < kRegions; ++i) {
    if ((rlar[i] & 1) == 0) continue;
    if (address < (rbar[i] & ~31u) || address > (rlar[i] | 31u)) continue;
    if (found != kNoRegion) return kOverlap;
    found = static_cast<int>(i);
  }
  return found;
}

bool Mpu::allows(std::uint32_t address, Use use, bool privileged, bool below_zero) const {
  // Execute-never areas of the default map override the regions.
  const bool default_xn = (address >= 0x4000'0000 && address < 0x6000'0000) || address >= 0xa000'0000;
  if (!enabled() || (below_zero && (ctrl & 2) == 0)) return use != Use::kExecute || !default_xn;
  const int region = region_of(address);
  if (region == kOverlap) return false;
  if (region == kNoRegion) return privileged && (ctrl & 4) != 0 && (use != Use::kExecute || !default_xn);
  const std::uint32_t attributes = rbar[region];
  const bool unprivileged_too = (attributes >> 1 & 1) != 0, read_only = (attributes >> 2 & 1) != 0;
  if (!privileged && !unprivileged_too) return false;
  if (use == Use::kWrite) return !read_only;
  if (use == Use::kExecute) return (attributes & 1) == 0 && !default_xn;
  return true;
}

// --- SysTick -----------------------------------------------------------------------------------------------

namespace {
constexpr std::uint32_t kSysTickMask = 0x00ff'ffff;
constexpr std::uint32_t kTickint = 1u << 1, kCountflag = 1u << 16;
}  // namespace

void SysTick::reset() {
  core_.events.cancel(event_);
  event_ = 0;
  control_ = 0;
  count_flag_ = false;
  reload_ = value_ = 0;
}

std::uint64_t SysTick::elapsed() const {
  if (!enabled()) return 0;
  if (core_clock()) return core_.clock - origin_cycle_;
  if (reference_ == 0) return 0;
  const Picoseconds now = core_.events.timebase().time_at(core_.clock);
  return now > origin_time_ ? (now - origin_time_) / reference_ : 0;
}

std::uint32_t SysTick::value_now() const {
  const std::uint64_t ticks = elapsed();
  if (ticks <= value_) return static_cast<std::uint32_t>(value_ - ticks);
  if (reload_ == 0) return 0;
  // From 0 the next tick loads RELOAD: a period is RELOAD + 1 ticks.
  const std::uint64_t past = (ticks - value_ - 1) % (std::uint64_t{reload_} + 1);
  return static_cast<std::uint32_t>(reload_ - past);
}

void SysTick::rebase() {
  const std::uint64_t ticks = elapsed();
  const std::uint32_t value = value_now();
  // The part of a reference tick that has passed stays in origin_time_.
  if (!core_clock() && enabled() && reference_ != 0)
    origin_time_ += ticks * reference_;
  else
    origin_time_ = core_.events.timebase().time_at(core_.clock);
  origin_cycle_ = core_.clock;
  value_ = value;
}

void SysTick::schedule() {
  core_.events.cancel(event_);
  event_ = 0;
  if (!enabled()) return;
  std::uint64_t ticks = value_ != 0 ? value_ : reload_ != 0 ? std::uint64_t{reload_} + 1 : 0;
  if (ticks == 0) return;
  if (core_clock())
    event_ = core_.events.at_cycle(origin_cycle_ + ticks, [this] { reached_zero(); });
  else if (reference_ != 0)
    event_ = core_.events.at_time(origin_time_ + ticks * reference_, [this] { reached_zero(); });
}

void SysTick::reached_zero() {
  event_ = 0;
  // Use the event's time: a core may be ahead in its slice or asleep.
  const std::uint64_t ticks = value_ != 0 ? value_ : std::uint64_t{reload_} + 1;
  origin_cycle_ += ticks;
  origin_time_ += ticks * reference_;
  value_ = 0;
  count_flag_ = true;
  if ((control_ & kTickint) != 0) core_.pend({exception::kSysTick, secure_});
  schedule();
}

std::uint32_t SysTick::read_csr() {
  const std::uint32_t result = control_ | (count_flag_ ? kCountflag : 0);
  count_flag_ = false;
  return result;
}

void SysTick::write_csr(std::uint32_t value) {
  rebase();
  const bool starts = !enabled() && (value & 1) != 0;
  control_ = value & 7;
  if (starts) {
    origin_cycle_ = core_.clock;
    origin_time_ = core_.events.timebase().time_at(core_.clock);
  }
  schedule();
}

void SysTick::write_rvr(std::uint32_t value) {
  rebase();
  reload_ = value & kSysTickMask;
  schedule();
}

std::uint32_t SysTick::read_cvr() { return value_now(); }

void SysTick::write_cvr() {
  rebase();
  value_ = 0;
  count_flag_ = false;
  schedule();
}

/// Reset value in hardware/regs/m33.h: external reference, no TENMS.
std::uint32_t SysTick::calib() const { return 0; }

void SysTick::set_reference(Picoseconds period) {
  if (period == reference_) return;
  rebase();
  reference_ = period;
  origin_time_ = core_.events.timebase().time_at(core_.clock);
  schedule();
}

void SysTick::clock_changed() {
  if (enabled() && core_clock()) schedule();
}

}  // namespace pico_llama::simulator
