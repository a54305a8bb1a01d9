// Addresses and reset values: hardware/regs/m33.h of the SDK; behaviour: Armv8-M ARM, D1.2.
#include "simulator/cpu/ppb.h"

#include <fmt/format.h>

#include <bit>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kEppb = 0xe008'0000, kScsBase = 0xe000'e000, kDwt = 0xe000'1000;

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
    case 0xd2c:  // HFSR
    case 0xd38:  // BFAR
    case 0xd8c:  // NSACR
    case 0xde4:  // SFSR
    case 0xde8:  // SFAR
    case 0xe08:  // DSCSR
      return true;
    default:
      return (offset >= 0x380 && offset < 0x400) || (offset >= 0xdd0 && offset < 0xde4);  // ITNS, SAU
  }
}

struct Constant {
  std::uint16_t offset;
  std::uint32_t value;
};
constexpr Constant kIdentification[] = {
    {0xd00, 0x411f'd210}, {0x004, 0x0000'0001}, {0xd40, 0x0000'0030}, {0xd44, 0x0000'0520},
    {0xd48, 0x0020'0000}, {0xd4c, 0},           {0xd50, 0x0010'1f40}, {0xd54, 0},
    {0xd58, 0x0100'0000}, {0xd5c, 0},           {0xd60, 0x0809'2300}, {0xd64, 0x0572'5000},
    {0xd68, 0x3017'3426}, {0xd6c, 0x0789'5729}, {0xd70, 0x0131'0132}, {0xd74, 0},
    {0xd7c, 0x8000'c000}, {0xd90, 0x0000'0800}, {0xdd4, 0x0000'0008}, {0xf40, 0x6054'0601},
    {0xf44, 0x8500'0089}, {0xf48, 0x0000'0060}};

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
  if (offset >= 0x400) {
    std::uint32_t value = 0;
    for (unsigned byte = 0; byte < 4; ++byte) {
      const unsigned irq = offset - 0x400 + byte;
      if (irq < Nvic::kIrqs && (nvic.visible(core.secure) >> irq & 1) != 0)
        value |= std::uint32_t{nvic.priority[16 + irq]} << (8 * byte);
    }
    return value;
  }
  if (index > 1) return 0;
  const std::uint64_t seen = nvic.visible(core.secure);
  switch (offset >> 7) {
    case 2:
    case 3:
      return static_cast<std::uint32_t>(word_of(nvic.irq_enabled & seen, index));
    case 4:
    case 5:
      return static_cast<std::uint32_t>(word_of(nvic.irq_pending & seen, index));
    case 6:
      return static_cast<std::uint32_t>(word_of(nvic.irq_active & seen, index));
    default:
      return static_cast<std::uint32_t>(word_of(nvic.irq_nonsecure, index));  // ITNS
  }
}

void write_nvic(Core& core, std::uint32_t offset, std::uint32_t value) {
  const unsigned index = offset >> 2 & 15;
  Nvic& nvic = core.nvic;
  core.request_service();
  if (offset >= 0x400) {
    for (unsigned byte = 0; byte < 4; ++byte) {
      const unsigned irq = offset - 0x400 + byte;
      if (irq < Nvic::kIrqs && (nvic.visible(core.secure) >> irq & 1) != 0)
        nvic.priority[16 + irq] = static_cast<std::uint8_t>(value >> (8 * byte) & Nvic::kPriorityMask);
    }
    return;
  }
  if (index > 1) return;
  const std::uint64_t bits = (std::uint64_t{value} << (32 * index)) & nvic.visible(core.secure);
  switch (offset >> 7) {
    case 2:
      nvic.irq_enabled |= bits;
      break;
    case 3:
      nvic.irq_enabled &= ~bits;
      break;
    case 4:
      if ((bits & ~nvic.irq_pending) != 0 && (core.scs.scr & Scs::kScrSevonpend) != 0)
        core.event_register = true;
      nvic.irq_pending |= bits;
      break;
    case 5:  // a line that still asks stays pending unless it is being served
      nvic.irq_pending &= ~bits | (nvic.irq_lines & ~nvic.irq_active);
      break;
    case 6:
      break;
    default:  // ITNS
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
  const unsigned alias = (offset - 0xd9c) / 8;
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
      case 0:
        return static_cast<std::uint32_t>(core.nvic.nmi_mask);
      case 4:
        return static_cast<std::uint32_t>(core.nvic.nmi_mask >> 32);
      case 8:
        return scs.eppb_sleepctrl | (scs.eppb_sleepctrl << 1 & 4);
      default:
        stop_unmodelled(core, "read", address);
    }
  }
  if (address >= kDwt && address < kDwt + 0x1000) {
    const std::uint32_t offset = address - kDwt;
    if (offset == 0) return 0x7374'0000 | scs.dwt_ctrl;
    if (offset == 4) return cyccnt(core);
    if (offset >= 0x20 && offset < 0x60 && (offset & 7) == 0)
      return scs.dwt_comparators[(offset - 0x20) / 16][offset >> 3 & 1];
    stop_unmodelled(core, "read", address);
  }
  if (address < kScsBase || address >= kScsBase + 0x1000) stop_unmodelled(core, "read", address);
  const std::uint32_t offset = address - kScsBase;
  if (!core.secure && is_secure_only(offset)) return 0;
  for (const auto& constant : kIdentification)
    if (constant.offset == offset) return constant.value;
  if (offset >= 0x100 && offset < 0x440) return read_nvic(core, offset);
  switch (offset) {
    case 0x008:
      return scs.actlr;
    case 0x010:
      return systick_of(core).read_csr();
    case 0x014:
      return systick_of(core).rvr();
    case 0x018:
      return systick_of(core).read_cvr();
    case 0x01c:
      return systick_of(core).calib();
    case 0xd04:
      return read_icsr(core);
    case 0xd08:
      return scs.vtor;
    case 0xd0c:
      return 0xfa05'0000 | scs.aircr_prigroup << 8 | (scs.pris && core.secure ? 1u << 14 : 0);
    case 0xd10:
      return scs.scr;
    case 0xd14:
      return scs.ccr;
    case 0xd18:
      return read_shpr(core, 4);
    case 0xd1c:
      return read_shpr(core, 8);
    case 0xd20:
      return read_shpr(core, 12);
    case 0xd24:
      return read_shcsr(core);
    case 0xd28:
      return core.secure ? scs.cfsr : scs.cfsr & ~cfsr::kBfsr;
    case 0xd2c:
      return scs.hfsr;
    case 0xd30:
      return scs.dfsr;
    case 0xd34:
      return scs.mmfar;
    case 0xd38:
      return scs.bfar;
    case 0xd3c:
      return scs.afsr;
    case 0xd88:
      return scs.cpacr;
    case 0xd8c:
      return scs.nsacr;
    case 0xd94:
      return core.mpu.ctrl;
    case 0xd98:
      return core.mpu.rnr;
    case 0xd9c:
    case 0xda4:
    case 0xdac:
    case 0xdb4:
      return core.mpu.rbar[mpu_region(core, offset)];
    case 0xda0:
    case 0xda8:
    case 0xdb0:
    case 0xdb8:
      return core.mpu.rlar[mpu_region(core, offset)];
    case 0xdc0:
    case 0xdc4:
      return core.mpu.mair[(offset - 0xdc0) / 4];
    case 0xdd0:
      return core.sau.ctrl;
    case 0xdd8:
      return core.sau.rnr;
    case 0xddc:
      return core.sau.rbar[core.sau.rnr];
    case 0xde0:
      return core.sau.rlar[core.sau.rnr];
    case 0xde4:
      return scs.sfsr;
    case 0xde8:
      return scs.sfar;
    case 0xdf0:
      return 1u << 20;  // DHCSR: S_SDE; no debugger
    case 0xdfc:
      return scs.demcr;
    case 0xe08:
      return 1u << 16;  // DSCSR.CDS: Secure
    case 0xf34:
      return core.fpu.fpccr | 1u << 2;
    case 0xf38:
      return core.fpu.fpcar;
    case 0xf3c:
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
      case 0:
        core.nvic.nmi_mask = (core.nvic.nmi_mask & ~0xffff'ffffull) | value;
        return;
      case 4:
        core.nvic.nmi_mask = (core.nvic.nmi_mask & 0xffff'ffffull) | std::uint64_t{value & 0xf'ffff} << 32;
        return;
      case 8:
        scs.eppb_sleepctrl = value & 3;
        return;
      default:
        stop_unmodelled(core, "write", address);
    }
  }
  if (address >= kDwt && address < kDwt + 0x1000) {
    const std::uint32_t offset = address - kDwt;
    if (offset == 0) {
      with_cyccnt(core, [&] { scs.dwt_ctrl = value & 0x1fff; });
    } else if (offset == 4) {
      with_cyccnt(core, [&] { scs.cyccnt_stopped = value; });
    } else if (offset >= 0x20 && offset < 0x60 && (offset & 7) == 0) {
      if ((offset & 8) != 0 && (value & 15) != 0)
        stop_at(core, "DWT comparator switched on: watchpoints by software are not modelled");
      scs.dwt_comparators[(offset - 0x20) / 16][offset >> 3 & 1] = value;
    } else {
      stop_unmodelled(core, "write", address);
    }
    return;
  }
  if (address < kScsBase || address >= kScsBase + 0x1000) stop_unmodelled(core, "write", address);
  const std::uint32_t offset = address - kScsBase;
  if (!core.secure && is_secure_only(offset)) return;
  if (offset >= 0x100 && offset < 0x440) return write_nvic(core, offset, value);
  for (const auto& constant : kIdentification)
    if (constant.offset == offset) return;
  switch (offset) {
    case 0x008:
      scs.actlr = value & 0x2000'1605;
      return;
    case 0x010:
      systick_of(core).write_csr(value);
      return;
    case 0x014:
      systick_of(core).write_rvr(value);
      return;
    case 0x018:
      systick_of(core).write_cvr();
      return;
    case 0x01c:
      return;
    case 0xd04:
      write_icsr(core, value);
      return;
    case 0xd08:
      scs.vtor = value & 0xffff'ff80;
      return;
    case 0xd0c:
      write_aircr(core, value);
      return;
    case 0xd10:
      scs.scr = value & 0x1e;
      return;
    case 0xd14:
      scs.ccr = (value & 0x0000'051a) | 0x201;
      return;
    case 0xd18:
      write_shpr(core, 4, value);
      return;
    case 0xd1c:
      write_shpr(core, 8, value);
      return;
    case 0xd20:
      write_shpr(core, 12, value);
      return;
    case 0xd24:
      write_shcsr(core, value);
      return;
    case 0xd28:
      scs.cfsr &= ~(core.secure ? value : value & ~cfsr::kBfsr);
      return;
    case 0xd2c:
      scs.hfsr &= ~value;
      return;
    case 0xd30:
      scs.dfsr &= ~value;
      return;
    case 0xd34:
      scs.mmfar = value;
      return;
    case 0xd38:
      scs.bfar = value;
      return;
    case 0xd3c:
      scs.afsr = value;
      return;
    case 0xd88:
      scs.cpacr = value & 0x00f0'ffff;
      core.update_fp_ready();
      return;
    case 0xd8c:
      scs.nsacr = value & 0xcff;
      return;
    case 0xd94:
      core.mpu.ctrl = value & 7;
      core.update_mpu_checks();
      core.cache.invalidate_all();  // fetches are checked, or not, from now on
      return;
    case 0xd98:
      core.mpu.rnr = value & 7;
      return;
    case 0xd9c:
    case 0xda4:
    case 0xdac:
    case 0xdb4:
      core.mpu.rbar[mpu_region(core, offset)] = value;
      return;
    case 0xda0:
    case 0xda8:
    case 0xdb0:
    case 0xdb8:
      core.mpu.rlar[mpu_region(core, offset)] = value & ~0x10u;
      return;
    case 0xdc0:
    case 0xdc4:
      core.mpu.mair[(offset - 0xdc0) / 4] = value;
      return;
    case 0xdd0:
      core.sau.ctrl = value & 3;
      attribution_changed(core);
      return;
    case 0xdd8:
      core.sau.rnr = value % Sau::kRegions;
      return;
    case 0xddc:
      core.sau.rbar[core.sau.rnr] = value & ~0x1fu;
      attribution_changed(core);
      return;
    case 0xde0:
      core.sau.rlar[core.sau.rnr] = value & ~0x1cu;
      attribution_changed(core);
      return;
    case 0xde4:  // write one to clear
      scs.sfsr &= ~value;
      return;
    case 0xde8:
      scs.sfar = value;
      return;
    case 0xdfc:
      with_cyccnt(core, [&] { scs.demcr = value & 0x010f'07f1; });
      return;
    case 0xf00:  // STIR
      if ((value & 0x1ff) < Nvic::kIrqs && (core.nvic.visible(core.secure) >> (value & 0x1ff) & 1) != 0)
        core.pend(core.target_of(16 + (value & 0x1ff)));
      return;
    case 0xf34:
      if ((value >> 26 & 1) != 0) stop_at(core, "FPCCR.TS: stacking of s16..s31 is not modelled");
      core.fpu.fpccr = value & (FpuState::kAspen | FpuState::kLspen | FpuState::kLspact | 0x27a);
      core.update_fp_ready();
      return;
    case 0xf38:
      core.fpu.fpcar = value & ~7u;
      return;
    case 0xf3c:
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
  const bool keeps_rest = (offset >= 0x400 && offset < 0x440) || (offset >= 0xd18 && offset < 0xd24);
  const bool clears_by_one = offset >= 0xd28 && offset < 0xd34;
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
