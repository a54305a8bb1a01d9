/// Hints, barriers, special registers, and the instructions that raise exceptions.
#include <fmt/format.h>

#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {

void undefined(Core&, const Insn&) { throw usage_fault(cfsr::kUndefinstr); }
void unpredictable(Core& core, const Insn&) {
  stop_at(core, "an UNPREDICTABLE instruction: what a Cortex-M33 does with it is not known");
}

namespace {

void nop(Core&, const Insn&) {}
void isb(Core& core, const Insn&) { core.clock += timing::kBarrier.cycles - timing::kIssue.cycles; }
void clrex(Core& core, const Insn&) { core.reserved = false; }

void wfe(Core& core, const Insn&) {
  if (core.event_register) {
    core.event_register = false;
    return;
  }
  core.sleep = Core::Sleep::kWfe;
  core.request_service();
}
void wfi(Core& core, const Insn&) {
  core.sleep = Core::Sleep::kWfi;
  core.request_service();
}
void sev(Core& core, const Insn&) {
  core.event_register = true;
  if (core.other_core != nullptr) core.other_core->send_event();
}

void svc(Core& core, const Insn&) { core.supervisor_call(); }

void bkpt(Core& core, const Insn& i) {
  const std::uint32_t number = i.opcode & 0xff;
  if (number == 0xab)
    stop_at(core,
            fmt::format("BKPT 0xAB: a semihosting call (r0 = {:#x}); this board has no debugger behind it",
                        core.r[0]));
  stop_at(core,
          fmt::format("BKPT {:#x}: a breakpoint in the program (panic, assert or debugger trap)", number));
}
void hlt(Core& core, const Insn&) { stop_at(core, "HLT: halting debug, and no debugger is attached"); }

/// CPSIE, CPSID: ra bit 1 PRIMASK, bit 0 FAULTMASK; rd: disables.
void cps(Core& core, const Insn& i) {
  if (!core.privileged()) return;
  const bool disable = i.rd != 0;
  if ((i.ra & 2) != 0) core.primask = disable;
  if ((i.ra & 1) != 0 && (!disable || core.execution_priority() > -1)) core.faultmask = disable;
  core.request_service();
}

bool has_special(unsigned sysm) {
  return sysm <= 9 || sysm == 10 || sysm == 11 || (sysm >= 16 && sysm <= 20);
}

/// `privileged`: what it needs, and what others read as 0.
std::uint32_t read_special(const Core& core, unsigned sysm, bool privileged) {
  if (sysm < 8) {  // xPSR and its parts; EPSR reads as 0
    const std::uint32_t flags = sysm < 4 ? core.apsr() : 0;
    return flags | ((sysm & 1) != 0 && privileged ? core.exception : 0u);
  }
  if (sysm == 20) return core.control();
  if (!privileged) return 0;
  switch (sysm) {
    case 8:
      return core.msp();
    case 9:
      return core.psp();
    case 10:
      return core.msplim;
    case 11:
      return core.psplim;
    case 16:
      return core.primask;
    case 17:
    case 18:
      return core.basepri;
    case 19:
      return core.faultmask;
    default:
      return 0;
  }
}

/// MSP and what follows it. Requires: privileged.
void write_special(Core& core, unsigned sysm, std::uint32_t value) {
  switch (sysm) {
    case 8:
      core.set_msp(value);
      break;
    case 9:
      core.set_psp(value);
      break;
    case 10:
      core.msplim = value & ~7u;
      break;
    case 11:
      core.psplim = value & ~7u;
      break;
    case 16:
      core.primask = (value & 1) != 0;
      break;
    case 17:
      core.basepri = u8(value & Nvic::kPriorityMask);
      break;
    case 18: {
      const auto wanted = u8(value & Nvic::kPriorityMask);
      if (wanted != 0 && (core.basepri == 0 || wanted < core.basepri)) core.basepri = wanted;
      break;
    }
    case 19:
      if ((value & 1) == 0 || core.execution_priority() > -1) core.faultmask = (value & 1) != 0;
      break;
    case 20:
      core.set_control(value);
      break;
    default:
      break;  // IPSR, EPSR: read-only
  }
  core.request_service();
}

// Non-secure state's registers, as Secure software names them: 80h and the register's own number, and sp.
constexpr unsigned kNonSecure = 0x80, kNonSecureSp = 0x98;
bool is_nonsecure_special(unsigned sysm) {
  const unsigned own = sysm & ~kNonSecure;
  return sysm == kNonSecureSp || ((sysm & kNonSecure) != 0 && own >= 8 && own != 18 && has_special(own));
}

std::uint32_t read_nonsecure_special(Core& core, unsigned sysm) {
  if (!core.secure || !core.privileged()) return 0;
  const NonSecureView view(core);
  return sysm == kNonSecureSp ? core.r[13] : read_special(core, sysm & ~kNonSecure, true);
}

void write_nonsecure_special(Core& core, unsigned sysm, std::uint32_t value) {
  if (!core.secure || !core.privileged()) return;
  const std::uint32_t fpca = core.control() & 4;  // not banked
  const NonSecureView view(core);
  if (sysm == kNonSecureSp)
    core.set_sp_checked(value);
  else if (sysm == (kNonSecure | 20))
    core.set_control((value & 3) | fpca, true);
  else
    write_special(core, sysm & ~kNonSecure, value);
}

void mrs(Core& core, const Insn& i) {
  const unsigned sysm = i.imm;
  if (is_nonsecure_special(sysm)) {
    core.r[i.rd] = read_nonsecure_special(core, sysm);
    return;
  }
  if (!has_special(sysm)) unpredictable(core, i);
  core.r[i.rd] = read_special(core, sysm, core.privileged());
}

/// ra: mask of APSR parts (bit 1 NZCVQ, bit 0 GE).
void msr(Core& core, const Insn& i) {
  const unsigned sysm = i.imm;
  const std::uint32_t value = core.r[i.rn];
  if (sysm < 4) {
    if ((i.ra & 1) != 0) core.ge = u8(value >> 16 & 15);
    if ((i.ra & 2) != 0) {
      core.set_nzcv(value);
      core.q = (value >> 27 & 1) != 0;
    }
    return;
  }
  if (is_nonsecure_special(sysm)) return write_nonsecure_special(core, sysm, value);
  if (!has_special(sysm)) unpredictable(core, i);
  if (core.privileged())
    write_special(core, sysm, value);
  else if (sysm == 20)
    core.set_control((core.control() & 3) | (value & 4));
}

/// The handler of a hint, for both encodings. The others are NOPs: YIELD, CSDB, DBG, and those not allocated.
Handler hint(unsigned number) {
  switch (number) {
    case 2:
      return wfe;
    case 3:
      return wfi;
    case 4:
      return sev;
    default:
      return nop;
  }
}

}  // namespace

void decode_misc_16(Insn& i) {
  const std::uint32_t op = i.opcode;
  if ((op & 0xff00) == 0xdf00) {
    i.imm = op & 0xff;
    i.run = svc;
    i.pair_older = pairing::kNone;
  } else if ((op & 0xffe8) == 0xb660) {
    i.rd = u8(op >> 4 & 1);
    i.ra = u8(op & 3);
    i.run = i.ra == 0 ? unpredictable : cps;
  } else if ((op & 0xff00) == 0xbe00) {
    i.run = bkpt;
  } else if ((op & 0xffc0) == 0xba80) {
    i.run = hlt;
  } else if ((op & 0xff0f) == 0xbf00) {
    i.run = hint(op >> 4 & 15);
    if (op == 0xbf00) i.pair_younger = pairing::kAny;  // NOP
  } else {
    i.run = undefined;
  }
}

void decode_system_32(Insn& i) {
  const unsigned op = i.opcode >> 20 & 0x7f;
  if ((op & 0x7e) == 0x38) {  // MSR
    i.rn = u8(rn_of(i));
    i.imm = i.opcode & 0xff;
    i.ra = u8(i.opcode >> 10 & 3);
    i.reads = hazard::reg(i.rn);
    i.run = is_sp_or_pc(i.rn) || i.ra == 0 || (i.imm >= 4 && i.ra != 2) ? unpredictable : msr;
  } else if ((op & 0x7e) == 0x3e) {  // MRS
    i.rd = u8(rd_of(i));
    i.imm = i.opcode & 0xff;
    i.reads = hazard::kFlags;
    i.run = is_sp_or_pc(i.rd) ? unpredictable : mrs;
  } else if (op == 0x3a) {
    if ((i.opcode >> 8 & 7) != 0) {
      i.run = undefined;
      return;
    }
    i.run = hint(i.opcode & 0xff);
  } else if (op == 0x3b) {
    switch (i.opcode >> 4 & 15) {
      case 2:
        i.run = clrex;
        break;
      case 4:
      case 5:
        i.run = nop;
        break;  // DSB, DMB: memory here is in order; PSSBB, SSBB too
      case 6:
        i.run = isb;
        break;
      default:
        i.run = undefined;
        break;
    }
  } else {
    i.run = undefined;  // UDF.W and unallocated
  }
}

}  // namespace pico_llama::simulator
