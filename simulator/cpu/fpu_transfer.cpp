/// VLDR, VSTR, VLDM, VSTM, VPUSH, VPOP; moves between core and FP registers; VMRS, VMSR.
#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"
#include "simulator/cpu/fpu.h"

namespace pico_llama::simulator {
namespace {

/// rd: first s register; shift: how many words.
template <bool kLoad>
void transfer(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  const std::uint32_t base = i.rn == 15 ? (i.pc + 4) & ~3u : cpu.r[i.rn];
  const std::uint32_t address = base + i.imm;
  cpu.require_aligned(address);
  if constexpr (kLoad) {
    std::uint32_t words[2];
    for (unsigned n = 0; n < i.shift; ++n) words[n] = cpu.load<4>(address + 4 * n, n);
    for (unsigned n = 0; n < i.shift; ++n) cpu.fpu.s[i.rd + n] = words[n];
  } else {
    for (unsigned n = 0; n < i.shift; ++n) cpu.store<4>(address + 4 * n, cpu.fpu.s[i.rd + n], n);
  }
}

/// ra bit 0: writes back, bit 1: decrements before.
template <bool kLoad>
void transfer_multiple(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  const std::uint32_t bytes = i.imm;
  const std::uint32_t base = cpu.r[i.rn];
  const std::uint32_t moved = (i.ra & 2) != 0 ? base - bytes : base + bytes;
  std::uint32_t address = (i.ra & 2) != 0 ? moved : base;
  cpu.require_aligned(address);
  if (i.rn == 13 && (i.ra & 1) != 0) cpu.check_stack(moved);
  std::uint32_t words[32];
  for (unsigned n = 0; n < i.shift; ++n, address += 4) {
    if constexpr (kLoad)
      words[n] = cpu.load<4>(address, n);
    else
      cpu.store<4>(address, cpu.fpu.s[i.rd + n], n);
  }
  if constexpr (kLoad)
    for (unsigned n = 0; n < i.shift; ++n) cpu.fpu.s[i.rd + n] = words[n];
  if ((i.ra & 1) != 0) cpu.r[i.rn] = moved;
}

void to_core(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.r[i.rd] = cpu.fpu.s[i.rn];
}
void from_core(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rn] = cpu.r[i.rd];
}
void pair_to_core(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.r[i.rd] = cpu.fpu.s[i.rm];
  cpu.r[i.ra] = cpu.fpu.s[i.rm + 1];
}
void pair_from_core(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rm] = cpu.r[i.rd];
  cpu.fpu.s[i.rm + 1] = cpu.r[i.ra];
}
void vmrs(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  if (i.rd == 15)
    cpu.set_nzcv(cpu.fpu.fpscr);
  else
    cpu.r[i.rd] = cpu.fpu.fpscr;
}
void vmsr(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.fpscr = cpu.r[i.rd] & FpuState::kFpscrMask;
}
/// VLSTM, VLLDM: they save and restore FP state around a call to Non-secure code.
void lazy_secure(Cpu& cpu, const Insn&) {
  stop_at(cpu, "VLSTM/VLLDM: calls to Non-secure state are not modelled");
}

bool is_sp_or_pc(unsigned reg) { return reg == 13 || reg == 15; }

}  // namespace

void decode_fp_load_store(Insn& i) {
  const std::uint32_t op = i.opcode;
  const bool p = (op >> 24 & 1) != 0, u = (op >> 23 & 1) != 0, d = (op >> 22 & 1) != 0,
             w = (op >> 21 & 1) != 0;
  const bool is_load = (op >> 20 & 1) != 0;
  const bool is_double = (op >> 8 & 1) != 0;
  const std::uint32_t imm8 = op & 0xff;
  i.rn = u8(rn_of(i));
  i.run = undefined;
  if (!p && !u) {
    if (d && !w) {  // two core registers
      if ((op & 0xd0) != 0x10) return;
      i.rd = u8(rt_of(i));
      i.ra = u8(rn_of(i));
      i.rm = is_double ? u8(((op >> 5 & 1) << 4 | (op & 15)) * 2) : u8((op & 15) << 1 | (op >> 5 & 1));
      const std::uint64_t singles = i.rm < 31 ? hazard::single(i.rm) | hazard::single(i.rm + 1u) : 0;
      i.run = is_load ? pair_to_core : pair_from_core;
      if (is_load)
        i.reads = singles;
      else
        i.reads = hazard::reg(i.rd) | hazard::reg(i.ra);
      if (is_sp_or_pc(i.rd) || is_sp_or_pc(i.ra) || i.rm >= 31 || (is_load && i.rd == i.ra))
        i.run = unpredictable;
    } else if (!d && w) {
      i.run = lazy_secure;
    }
    return;
  }
  const unsigned vd = op >> 12 & 15;
  i.rd = is_double ? u8(((op >> 22 & 1) << 4 | vd) * 2) : u8(vd << 1 | (op >> 22 & 1));
  i.reads = hazard::reg(i.rn);
  if (p && !w) {
    i.shift = is_double ? 2 : 1;
    i.cycles = u8(i.shift * timing::kBlockTransferPerRegister.cycles);
    i.imm = u ? imm8 * 4 : 0u - imm8 * 4;
    i.run = is_load ? transfer<true> : transfer<false>;
    if (i.rd + i.shift > 32) i.run = undefined;
    if (!is_load && i.rn == 15) i.run = unpredictable;
    return;
  }
  if (p == u) return;
  i.shift = u8(imm8);
  i.ra = u8((w ? 1u : 0) | (p ? 2u : 0));
  i.imm = imm8 * 4;
  i.cycles = u8(i.shift * timing::kBlockTransferPerRegister.cycles);
  i.run = is_load ? transfer_multiple<true> : transfer_multiple<false>;
  // An odd count of words with double registers is FLDMX, FSTMX: gone.
  if (imm8 == 0 || i.rd + imm8 > 32 || (is_double && (imm8 & 1) != 0) || i.rn == 15) i.run = unpredictable;
}

void decode_fp_move(Insn& i) {
  const std::uint32_t op = i.opcode;
  const bool is_double = (op >> 8 & 1) != 0, is_load = (op >> 20 & 1) != 0;
  const unsigned opc1 = op >> 21 & 7;
  i.rd = u8(rt_of(i));
  i.run = undefined;
  if (!is_double && opc1 == 7) {
    if (rn_of(i) != 1 || (op & 0xef) != 0) {
      i.run = unpredictable;
      return;
    }
    i.run = is_load ? vmrs : vmsr;
    if (i.rd == 13 || (i.rd == 15 && !is_load)) i.run = unpredictable;
    if (!is_load) i.reads = hazard::reg(i.rd);
    return;
  }
  if (is_double) {  // VMOV.32 Dd[x]
    if ((opc1 & 6) != 0 || (op >> 5 & 3) != 0) return;
    i.rn = u8(((op >> 7 & 1) << 4 | (op >> 16 & 15)) * 2 + (opc1 & 1));
    if (i.rn >= 32) return;
  } else {
    if (opc1 != 0) return;
    i.rn = u8((op >> 16 & 15) << 1 | (op >> 7 & 1));
  }
  i.run = is_load ? to_core : from_core;
  i.reads = is_load ? hazard::single(i.rn) : hazard::reg(i.rd);
  if (is_sp_or_pc(i.rd) || (i.opcode & (is_double ? 0x0f : 0x6f)) != 0) i.run = unpredictable;
}

}  // namespace pico_llama::simulator
