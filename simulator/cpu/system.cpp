/// Hints, barriers, special registers, and the instructions that make exceptions.
#include <fmt/format.h>

#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {

void undefined(Cpu&, const Insn&) { throw usage_fault(cfsr::kUndefinstr); }
void unpredictable(Cpu& cpu, const Insn&) {
  stop_at(cpu, "an UNPREDICTABLE instruction: what a Cortex-M33 does with it is not known");
}

namespace {

void nop(Cpu&, const Insn&) {}
void isb(Cpu& cpu, const Insn&) { cpu.now += timing::kBarrier.cycles - timing::kIssue.cycles; }
void clrex(Cpu& cpu, const Insn&) { cpu.reserved = false; }

void wfe(Cpu& cpu, const Insn&) {
  if (cpu.event_register) {
    cpu.event_register = false;
    return;
  }
  cpu.sleep = Cpu::Sleep::kWfe;
  cpu.update_attention();
}
void wfi(Cpu& cpu, const Insn&) {
  cpu.sleep = Cpu::Sleep::kWfi;
  cpu.update_attention();
}
void sev(Cpu& cpu, const Insn&) {
  cpu.event_register = true;
  if (cpu.other_core != nullptr) cpu.other_core->send_event();
}

void svc(Cpu& cpu, const Insn&) { cpu.supervisor_call(); }

void bkpt(Cpu& cpu, const Insn& i) {
  const std::uint32_t number = i.opcode & 0xff;
  if (number == 0xab)
    stop_at(cpu,
            fmt::format("BKPT 0xAB: a semihosting call (r0 = {:#x}); this board has no debugger behind it",
                        cpu.r[0]));
  stop_at(cpu,
          fmt::format("BKPT {:#x}: a breakpoint in the program (panic, assert or debugger trap)", number));
}
void hlt(Cpu& cpu, const Insn&) { stop_at(cpu, "HLT: halting debug, and no debugger is attached"); }

/// CPSIE, CPSID: ra bit 1 PRIMASK, bit 0 FAULTMASK; rd: disables.
void cps(Cpu& cpu, const Insn& i) {
  if (!cpu.privileged()) return;
  const bool disable = i.rd != 0;
  if ((i.ra & 2) != 0) cpu.primask = disable;
  if ((i.ra & 1) != 0 && (!disable || cpu.execution_priority() > -1)) cpu.faultmask = disable;
  cpu.update_attention();
}

bool has_special(unsigned sysm) {
  return sysm <= 9 || sysm == 10 || sysm == 11 || (sysm >= 16 && sysm <= 20);
}

void mrs(Cpu& cpu, const Insn& i) {
  const unsigned sysm = i.imm;
  std::uint32_t value = 0;
  const bool allowed = cpu.privileged();
  switch (sysm) {
    case 0:
    case 1:
    case 2:
    case 3:
      value = cpu.apsr();
      break;
    default:
      break;
  }
  if (sysm < 8) {
    if (sysm >= 4) value = 0;
    if ((sysm & 1) != 0 && allowed) value |= cpu.exception;
  } else if (allowed) {
    switch (sysm) {
      case 8:
        value = cpu.msp();
        break;
      case 9:
        value = cpu.psp();
        break;
      case 10:
        value = cpu.msplim;
        break;
      case 11:
        value = cpu.psplim;
        break;
      case 16:
        value = cpu.primask;
        break;
      case 17:
      case 18:
        value = cpu.basepri;
        break;
      case 19:
        value = cpu.faultmask;
        break;
      default:
        break;
    }
  }
  if (sysm == 20) value = cpu.control();
  if (!has_special(sysm)) {
    if (sysm >= 0x80 && sysm <= 0x98)
      stop_at(cpu, fmt::format("MRS of Non-secure special register {:#x}: TrustZone is not modelled", sysm));
    unpredictable(cpu, i);
  }
  cpu.r[i.rd] = value;
}

/// ra: mask of APSR parts (bit 1 NZCVQ, bit 0 GE).
void msr(Cpu& cpu, const Insn& i) {
  const unsigned sysm = i.imm;
  const std::uint32_t value = cpu.r[i.rn];
  const bool allowed = cpu.privileged();
  if (sysm < 4) {
    if ((i.ra & 1) != 0) cpu.ge = u8(value >> 16 & 15);
    if ((i.ra & 2) != 0) {
      cpu.set_nzcv(value);
      cpu.q = (value >> 27 & 1) != 0;
    }
    return;
  }
  if (!has_special(sysm)) {
    if (sysm >= 0x80 && sysm <= 0x98)
      stop_at(cpu, fmt::format("MSR to Non-secure special register {:#x}: TrustZone is not modelled", sysm));
    unpredictable(cpu, i);
  }
  if (!allowed) {
    if (sysm == 20) cpu.set_control((cpu.control() & 3) | (value & 4));
    return;
  }
  switch (sysm) {
    case 8:
      cpu.set_msp(value);
      break;
    case 9:
      cpu.set_psp(value);
      break;
    case 10:
      cpu.msplim = value & ~7u;
      break;
    case 11:
      cpu.psplim = value & ~7u;
      break;
    case 16:
      cpu.primask = (value & 1) != 0;
      break;
    case 17:
      cpu.basepri = u8(value & Nvic::kPriorityMask);
      break;
    case 18: {
      const auto wanted = u8(value & Nvic::kPriorityMask);
      if (wanted != 0 && (cpu.basepri == 0 || wanted < cpu.basepri)) cpu.basepri = wanted;
      break;
    }
    case 19:
      if ((value & 1) == 0 || cpu.execution_priority() > -1) cpu.faultmask = (value & 1) != 0;
      break;
    case 20:
      cpu.set_control(value);
      break;
    default:
      break;  // IPSR, EPSR: read-only
  }
  cpu.update_attention();
}

/// What both encodings of a hint do. The rest are NOPs: YIELD, CSDB, DBG, and those not allocated.
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

bool is_sp_or_pc(unsigned reg) { return reg == 13 || reg == 15; }

}  // namespace

void decode_misc_16(Insn& i) {
  const std::uint32_t op = i.opcode;
  if ((op & 0xff00) == 0xdf00) {
    i.imm = op & 0xff;
    i.run = svc;
    i.gives = pairing::kNone;
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
    if (op == 0xbf00) i.wants = pairing::kAny;  // NOP
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
