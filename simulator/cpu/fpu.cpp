/// FPv5 single precision: arithmetic, comparisons, conversions; loads, stores and moves of its registers.
///
/// Arithmetic uses the host FPU when the result and flags are certain to match: round to nearest, no
/// flush-to-zero, IXC already set, and a result well inside the normal range. Everything else is soft-float.
#include <bit>
#include <cmath>

#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"
#include "simulator/cpu/soft_float.h"

namespace pico_llama::simulator {

namespace {

// --- loads, stores, moves ----------------------------------------------------------------------------------

/// rd: first s register; shift: how many words.
template <bool kLoad>
void transfer(Core& core, const Insn& i) {
  core.fp_begin();
  const std::uint32_t base = i.rn == 15 ? (i.pc + 4) & ~3u : core.r[i.rn];
  const std::uint32_t address = base + i.imm;
  core.require_aligned(address);
  if constexpr (kLoad) {
    std::uint32_t words[2];
    for (unsigned n = 0; n < i.shift; ++n) words[n] = core.load<4>(address + 4 * n, n);
    for (unsigned n = 0; n < i.shift; ++n) core.fpu.s[i.rd + n] = words[n];
  } else {
    for (unsigned n = 0; n < i.shift; ++n) core.store<4>(address + 4 * n, core.fpu.s[i.rd + n], n);
  }
}

/// ra bit 0: writes back, bit 1: decrements before.
template <bool kLoad>
void transfer_multiple(Core& core, const Insn& i) {
  core.fp_begin();
  const std::uint32_t bytes = i.imm;
  const std::uint32_t base = core.r[i.rn];
  const std::uint32_t moved = (i.ra & 2) != 0 ? base - bytes : base + bytes;
  std::uint32_t address = (i.ra & 2) != 0 ? moved : base;
  core.require_aligned(address);
  if (i.rn == 13 && (i.ra & 1) != 0) core.check_stack(moved);
  std::uint32_t words[32];
  for (unsigned n = 0; n < i.shift; ++n, address += 4) {
    if constexpr (kLoad)
      words[n] = core.load<4>(address, n);
    else
      core.store<4>(address, core.fpu.s[i.rd + n], n);
  }
  if constexpr (kLoad)
    for (unsigned n = 0; n < i.shift; ++n) core.fpu.s[i.rd + n] = words[n];
  if ((i.ra & 1) != 0) core.r[i.rn] = moved;
}

void to_core(Core& core, const Insn& i) {
  core.fp_begin();
  core.r[i.rd] = core.fpu.s[i.rn];
}
void from_core(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rn] = core.r[i.rd];
}
void pair_to_core(Core& core, const Insn& i) {
  core.fp_begin();
  core.r[i.rd] = core.fpu.s[i.rm];
  core.r[i.ra] = core.fpu.s[i.rm + 1];
}
void pair_from_core(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rm] = core.r[i.rd];
  core.fpu.s[i.rm + 1] = core.r[i.ra];
}
void vmrs(Core& core, const Insn& i) {
  core.fp_begin();
  if (i.rd == 15)
    core.set_nzcv(core.fpu.fpscr);
  else
    core.r[i.rd] = core.fpu.fpscr;
}
void vmsr(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.fpscr = core.r[i.rd] & FpuState::kFpscrMask;
}
/// VLSTM, VLLDM: they save and restore FP state around a call to Non-secure code.
void lazy_secure(Core& core, const Insn&) {
  stop_at(core, "VLSTM/VLLDM: a floating-point context across a change of security state is not modelled");
}

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
  // odd count with double registers: FLDMX, FSTMX, removed from the architecture
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

// --- arithmetic, comparisons, conversions ------------------------------------------------------------------

using soft_float::Rounding;

constexpr std::uint32_t kHostModes = soft_float::kRmode | soft_float::kFz | soft_float::kIxc;

float f32(std::uint32_t bits) { return std::bit_cast<float>(bits); }
bool host_will_do(const Core& core) { return (core.fpu.fpscr & kHostModes) == soft_float::kIxc; }
/// Exponent 2..253: neither zero, subnormal, infinite nor NaN, nor a step from underflow.
bool well_inside(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7f80'0000) - 0x0100'0000 < 0x7e00'0000;
}

std::uint32_t negate(std::uint32_t bits) { return bits ^ 0x8000'0000; }

std::uint32_t add(Core& core, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(core)) {
    const float result = f32(a) + f32(b);
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  return soft_float::add(a, b, core.fpu.fpscr);
}
std::uint32_t subtract(Core& core, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(core)) {
    const float result = f32(a) - f32(b);
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  // FPSub() propagates a NaN operand with its sign.
  const bool b_is_nan = (b & 0x7fff'ffff) > 0x7f80'0000;
  return soft_float::add(a, b_is_nan ? b : negate(b), core.fpu.fpscr);
}
std::uint32_t multiply(Core& core, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(core)) {
    const float result = f32(a) * f32(b);
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  return soft_float::multiply(a, b, core.fpu.fpscr);
}
std::uint32_t multiply_add(Core& core, std::uint32_t addend, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(core)) {
    const float result = std::fma(f32(a), f32(b), f32(addend));
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  return soft_float::multiply_add(addend, a, b, core.fpu.fpscr);
}

void block(Core& core, std::uint32_t cycles) { core.fpu_free = core.clock + timing::kIssue.cycles + cycles; }

template <auto kOperation>
void binary(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = kOperation(core, core.fpu.s[i.rn], core.fpu.s[i.rm]);
}
void vnmul(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = negate(multiply(core, core.fpu.s[i.rn], core.fpu.s[i.rm]));
}

/// VMLA, VMLS, VNMLA, VNMLS: the product is rounded before it is added.
template <bool kNegateAddend, bool kNegateProduct>
void multiply_then_add(Core& core, const Insn& i) {
  core.fp_begin();
  std::uint32_t product = multiply(core, core.fpu.s[i.rn], core.fpu.s[i.rm]);
  if (kNegateProduct) product = negate(product);
  const std::uint32_t addend = kNegateAddend ? negate(core.fpu.s[i.rd]) : core.fpu.s[i.rd];
  core.fpu.s[i.rd] = add(core, addend, product);
  block(core, timing::kFpuMacBlock.cycles);
}
/// VFMA, VFMS, VFNMA, VFNMS.
template <bool kNegateAddend, bool kNegateFactor>
void fused(Core& core, const Insn& i) {
  core.fp_begin();
  const std::uint32_t addend = kNegateAddend ? negate(core.fpu.s[i.rd]) : core.fpu.s[i.rd];
  const std::uint32_t factor = kNegateFactor ? negate(core.fpu.s[i.rn]) : core.fpu.s[i.rn];
  core.fpu.s[i.rd] = multiply_add(core, addend, factor, core.fpu.s[i.rm]);
  block(core, timing::kFpuMacBlock.cycles);
}

void vdiv(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = soft_float::divide(core.fpu.s[i.rn], core.fpu.s[i.rm], core.fpu.fpscr);
  block(core, timing::kFpuDivideBlock.cycles);
}
void vsqrt(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = soft_float::square_root(core.fpu.s[i.rm], core.fpu.fpscr);
  block(core, timing::kFpuDivideBlock.cycles);
}

enum class Copy { kAsIs, kAbsolute, kNegated };
template <Copy kCopy>
void copy(Core& core, const Insn& i) {
  core.fp_begin();
  const std::uint32_t value = core.fpu.s[i.rm];
  core.fpu.s[i.rd] = kCopy == Copy::kAsIs       ? value
                     : kCopy == Copy::kAbsolute ? value & 0x7fff'ffff
                                                : negate(value);
}
void vmov_immediate(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = i.imm;
}

/// imm bit 0: signals quiet NaNs (VCMPE), bit 1: with zero.
void vcmp(Core& core, const Insn& i) {
  core.fp_begin();
  std::uint32_t fpscr = core.fpu.fpscr;
  const std::uint32_t nzcv =
      soft_float::compare(core.fpu.s[i.rd], (i.imm & 2) != 0 ? 0 : core.fpu.s[i.rm], (i.imm & 1) != 0, fpscr);
  core.fpu.fpscr = (fpscr & 0x0fff'ffff) | nzcv;
}

/// Rounding modes of VRINT and VCVT: ra is a Rounding, or kByFpscr.
constexpr std::uint8_t kByFpscr = 0xff;
Rounding rounding(const Core& core, const Insn& i) {
  return i.ra == kByFpscr ? soft_float::rounding_of(core.fpu.fpscr) : static_cast<Rounding>(i.ra);
}
void vrint(Core& core, const Insn& i) {  // imm: exact
  core.fp_begin();
  core.fpu.s[i.rd] =
      soft_float::round_to_integral(core.fpu.s[i.rm], rounding(core, i), i.imm != 0, core.fpu.fpscr);
}
/// shift: fraction bits; imm: bits of the integer, bit 8: unsigned.
void vcvt_to_fixed(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = soft_float::to_fixed(core.fpu.s[i.rm], i.imm & 0xff, i.shift, (i.imm & 0x100) != 0,
                                          rounding(core, i), core.fpu.fpscr);
}
void vcvt_from_fixed(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = soft_float::from_fixed(core.fpu.s[i.rm], i.imm & 0xff, i.shift, (i.imm & 0x100) != 0,
                                            rounding(core, i), core.fpu.fpscr);
}
/// shift: 16 for the top half.
void vcvt_from_half(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] =
      soft_float::half_to_single(static_cast<std::uint16_t>(core.fpu.s[i.rm] >> i.shift), core.fpu.fpscr);
}
void vcvt_to_half(Core& core, const Insn& i) {
  core.fp_begin();
  const std::uint32_t half = soft_float::single_to_half(core.fpu.s[i.rm], core.fpu.fpscr);
  core.fpu.s[i.rd] = (core.fpu.s[i.rd] & ~(0xffffu << i.shift)) | half << i.shift;
}
void vsel(Core& core, const Insn& i) {
  core.fp_begin();
  core.fpu.s[i.rd] = core.condition(i.ra) ? core.fpu.s[i.rn] : core.fpu.s[i.rm];
}
std::uint32_t maxnm(Core& core, std::uint32_t a, std::uint32_t b) {
  return soft_float::max_number(a, b, core.fpu.fpscr);
}
std::uint32_t minnm(Core& core, std::uint32_t a, std::uint32_t b) {
  return soft_float::min_number(a, b, core.fpu.fpscr);
}

/// VFPExpandImm().
std::uint32_t expand(std::uint32_t imm8) {
  const std::uint32_t b = imm8 >> 6 & 1;
  return (imm8 & 0x80) << 24 | (b ^ 1) << 30 | (b != 0 ? 0x3e00'0000u : 0) | (imm8 & 0x3f) << 19;
}

/// One operand: moves, conversions, roundings, comparisons. `opc2` as in the encoding; `top`: bit 7.
void decode_fp_unary(Insn& i, unsigned opc2, bool top) {
  i.reads = hazard::single(i.rm);
  i.late = hazard::single(i.rd);
  i.ra = kByFpscr;
  switch (opc2) {
    case 0:
      i.run = top ? copy<Copy::kAbsolute> : copy<Copy::kAsIs>;
      i.late = 0;
      return;
    case 1:
      i.run = top ? vsqrt : copy<Copy::kNegated>;
      i.late = 0;
      return;
    case 2:
      i.shift = top ? 16 : 0;
      i.run = vcvt_from_half;
      return;
    case 3:
      i.shift = top ? 16 : 0;
      i.run = vcvt_to_half;
      return;
    case 4:
    case 5:
      i.imm = (top ? 1u : 0) | (opc2 == 5 ? 2u : 0);
      i.reads = hazard::single(i.rd) | (opc2 == 4 ? hazard::single(i.rm) : 0);
      i.late = 0;
      i.run = opc2 == 5 && (i.opcode & 0x2f) != 0 ? unpredictable : vcmp;
      return;
    case 6:
      if (top) i.ra = u8(static_cast<unsigned>(Rounding::kZero));
      i.imm = 0;
      i.run = vrint;
      return;
    case 7:
      i.imm = 1;
      i.run = top ? undefined : vrint;  // VCVT to and from double
      return;
    case 8:
      i.imm = 32 | (top ? 0u : 0x100u);
      i.run = vcvt_from_fixed;
      return;
    case 12:
    case 13:
      i.imm = 32 | (opc2 == 12 ? 0x100u : 0);
      if (top) i.ra = u8(static_cast<unsigned>(Rounding::kZero));
      i.run = vcvt_to_fixed;
      return;
    case 10:
    case 11:
    case 14:
    case 15: {
      const unsigned size = top ? 32 : 16;
      const unsigned less = (i.opcode & 15) << 1 | (i.opcode >> 5 & 1);
      if (less > size) {
        i.run = unpredictable;
        return;
      }
      i.rm = i.rd;
      i.reads = hazard::single(i.rd);
      i.shift = u8(size - less);
      i.imm = size | ((opc2 & 1) != 0 ? 0x100u : 0);
      const bool to_fixed = opc2 >= 14;
      i.ra = u8(static_cast<unsigned>(to_fixed ? Rounding::kZero : Rounding::kNearest));
      i.run = to_fixed ? vcvt_to_fixed : vcvt_from_fixed;
      return;
    }
    default:
      i.run = undefined;
      return;
  }
}

void decode_fp_data(Insn& i) {
  const std::uint32_t op = i.opcode;
  i.rd = u8((op >> 12 & 15) << 1 | (op >> 22 & 1));
  i.rn = u8((op >> 16 & 15) << 1 | (op >> 7 & 1));
  i.rm = u8((op & 15) << 1 | (op >> 5 & 1));
  const bool second = (op >> 6 & 1) != 0;
  if ((op >> 8 & 15) == 11) {  // double precision: this FPU has none
    i.run = undefined;
    return;
  }
  i.reads = hazard::single(i.rn) | hazard::single(i.rm);
  i.late = hazard::single(i.rd);
  const unsigned opc1 = (op >> 23 & 1) << 2 | (op >> 20 & 3);
  if ((op >> 28 & 1) != 0) {
    if (opc1 < 4) {
      if (second) {
        i.run = undefined;
        return;
      }
      constexpr std::uint8_t kCondition[] = {0, 6, 10, 12};  // EQ, VS, GE, GT
      i.ra = kCondition[opc1];
      i.reads |= hazard::kFlags;
      i.run = vsel;
    } else if (opc1 == 4) {
      i.run = second ? binary<minnm> : binary<maxnm>;
    } else if (opc1 == 7 && second && (op >> 19 & 1) != 0) {
      constexpr Rounding kModes[] = {Rounding::kAway, Rounding::kNearest, Rounding::kUp, Rounding::kDown};
      const bool top = (op >> 7 & 1) != 0;
      i.ra = u8(static_cast<unsigned>(kModes[op >> 16 & 3]));
      i.reads = hazard::single(i.rm);
      if ((op >> 18 & 1) != 0) {
        i.imm = 32 | (top ? 0u : 0x100u);
        i.run = vcvt_to_fixed;
      } else {
        i.imm = 0;
        i.run = top ? undefined : vrint;
      }
    } else {
      i.run = undefined;
    }
    return;
  }
  switch (opc1) {
    case 0:
      i.run = second ? multiply_then_add<false, true> : multiply_then_add<false, false>;
      break;
    case 1:
      i.run = second ? multiply_then_add<true, true> : multiply_then_add<true, false>;
      break;
    case 2:
      i.run = second ? vnmul : binary<multiply>;
      return;
    case 3:
      i.run = second ? binary<subtract> : binary<add>;
      return;
    case 4:
      i.run = second ? undefined : vdiv;
      i.late = 0;
      return;
    case 5:
      i.run = second ? fused<true, true> : fused<true, false>;
      break;
    case 6:
      i.run = second ? fused<false, true> : fused<false, false>;
      break;
    default:
      if (second) {
        decode_fp_unary(i, op >> 16 & 15, (op >> 7 & 1) != 0);
      } else if ((op & 0xa0) != 0) {
        i.run = undefined;
      } else {
        i.imm = expand((op >> 12 & 0xf0) | (op & 15));
        i.reads = i.late = 0;
        i.run = vmov_immediate;
      }
      return;
  }
  // Multiply-accumulate: the block on the FPU covers the latency.
  i.reads |= hazard::single(i.rd);
  i.late = 0;
}

}  // namespace

void decode_fpu(Insn& i) {
  const unsigned top = i.opcode >> 24 & 15;
  const bool second_form = (i.opcode >> 28 & 1) != 0;
  const bool data = top == 14 && (i.opcode & 16) == 0;
  if (data) return decode_fp_data(i);
  if (top == 15 || second_form)
    i.run = undefined;
  else if (top == 14)
    decode_fp_move(i);
  else
    decode_fp_load_store(i);
}

}  // namespace pico_llama::simulator
