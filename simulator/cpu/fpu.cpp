/// FPv5 single precision: arithmetic, comparisons, conversions. Loads, stores and moves: fpu_transfer.cpp.
///
/// Arithmetic uses the host's where that is exact in every respect: round to nearest, no flushing, IXC set
/// already, and a result well inside the normal range, so that no other flag can change. All else is soft.
#include <bit>
#include <cmath>

#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"
#include "simulator/cpu/fpu.h"
#include "simulator/cpu/soft_float.h"

namespace pico_llama::simulator {
namespace {

using soft_float::Rounding;

constexpr std::uint32_t kHostModes = soft_float::kRmode | soft_float::kFz | soft_float::kIxc;

float f32(std::uint32_t bits) { return std::bit_cast<float>(bits); }
bool host_will_do(const Cpu& cpu) { return (cpu.fpu.fpscr & kHostModes) == soft_float::kIxc; }
/// Exponent 2..253: neither zero, subnormal, infinite nor NaN, nor a step from underflow.
bool well_inside(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7f80'0000) - 0x0100'0000 < 0x7e00'0000;
}

std::uint32_t negate(std::uint32_t bits) { return bits ^ 0x8000'0000; }

std::uint32_t add(Cpu& cpu, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(cpu)) {
    const float result = f32(a) + f32(b);
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  return soft_float::add(a, b, cpu.fpu.fpscr);
}
std::uint32_t subtract(Cpu& cpu, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(cpu)) {
    const float result = f32(a) - f32(b);
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  // FPSub() hands on a NaN operand with its sign.
  const bool b_is_nan = (b & 0x7fff'ffff) > 0x7f80'0000;
  return soft_float::add(a, b_is_nan ? b : negate(b), cpu.fpu.fpscr);
}
std::uint32_t multiply(Cpu& cpu, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(cpu)) {
    const float result = f32(a) * f32(b);
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  return soft_float::multiply(a, b, cpu.fpu.fpscr);
}
std::uint32_t multiply_add(Cpu& cpu, std::uint32_t addend, std::uint32_t a, std::uint32_t b) {
  if (host_will_do(cpu)) {
    const float result = std::fma(f32(a), f32(b), f32(addend));
    if (well_inside(result)) return std::bit_cast<std::uint32_t>(result);
  }
  return soft_float::multiply_add(addend, a, b, cpu.fpu.fpscr);
}

void block(Cpu& cpu, std::uint32_t cycles) { cpu.fpu_free = cpu.now + timing::kIssue.cycles + cycles; }

template <auto kOperation>
void binary(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = kOperation(cpu, cpu.fpu.s[i.rn], cpu.fpu.s[i.rm]);
}
void vnmul(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = negate(multiply(cpu, cpu.fpu.s[i.rn], cpu.fpu.s[i.rm]));
}

/// VMLA, VMLS, VNMLA, VNMLS: the product is rounded before it is added.
template <bool kNegateAddend, bool kNegateProduct>
void multiply_then_add(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  std::uint32_t product = multiply(cpu, cpu.fpu.s[i.rn], cpu.fpu.s[i.rm]);
  if (kNegateProduct) product = negate(product);
  const std::uint32_t addend = kNegateAddend ? negate(cpu.fpu.s[i.rd]) : cpu.fpu.s[i.rd];
  cpu.fpu.s[i.rd] = add(cpu, addend, product);
  block(cpu, timing::kFpuMacBlock.cycles);
}
/// VFMA, VFMS, VFNMA, VFNMS.
template <bool kNegateAddend, bool kNegateFactor>
void fused(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  const std::uint32_t addend = kNegateAddend ? negate(cpu.fpu.s[i.rd]) : cpu.fpu.s[i.rd];
  const std::uint32_t factor = kNegateFactor ? negate(cpu.fpu.s[i.rn]) : cpu.fpu.s[i.rn];
  cpu.fpu.s[i.rd] = multiply_add(cpu, addend, factor, cpu.fpu.s[i.rm]);
  block(cpu, timing::kFpuMacBlock.cycles);
}

void vdiv(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = soft_float::divide(cpu.fpu.s[i.rn], cpu.fpu.s[i.rm], cpu.fpu.fpscr);
  block(cpu, timing::kFpuDivideBlock.cycles);
}
void vsqrt(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = soft_float::square_root(cpu.fpu.s[i.rm], cpu.fpu.fpscr);
  block(cpu, timing::kFpuDivideBlock.cycles);
}

enum class Copy { kAsIs, kAbsolute, kNegated };
template <Copy kCopy>
void copy(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  const std::uint32_t value = cpu.fpu.s[i.rm];
  cpu.fpu.s[i.rd] = kCopy == Copy::kAsIs       ? value
                    : kCopy == Copy::kAbsolute ? value & 0x7fff'ffff
                                               : negate(value);
}
void vmov_immediate(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = i.imm;
}

/// imm bit 0: signals quiet NaNs (VCMPE), bit 1: with zero.
void vcmp(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  std::uint32_t fpscr = cpu.fpu.fpscr;
  const std::uint32_t nzcv =
      soft_float::compare(cpu.fpu.s[i.rd], (i.imm & 2) != 0 ? 0 : cpu.fpu.s[i.rm], (i.imm & 1) != 0, fpscr);
  cpu.fpu.fpscr = (fpscr & 0x0fff'ffff) | nzcv;
}

/// Rounding modes of VRINT and VCVT: ra is a Rounding, or kByFpscr.
constexpr std::uint8_t kByFpscr = 0xff;
Rounding rounding(const Cpu& cpu, const Insn& i) {
  return i.ra == kByFpscr ? soft_float::rounding_of(cpu.fpu.fpscr) : static_cast<Rounding>(i.ra);
}
void vrint(Cpu& cpu, const Insn& i) {  // imm: exact
  fp_begin(cpu);
  cpu.fpu.s[i.rd] =
      soft_float::round_to_integral(cpu.fpu.s[i.rm], rounding(cpu, i), i.imm != 0, cpu.fpu.fpscr);
}
/// shift: fraction bits; imm: bits of the integer, bit 8: unsigned.
void vcvt_to_fixed(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = soft_float::to_fixed(cpu.fpu.s[i.rm], i.imm & 0xff, i.shift, (i.imm & 0x100) != 0,
                                         rounding(cpu, i), cpu.fpu.fpscr);
}
void vcvt_from_fixed(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = soft_float::from_fixed(cpu.fpu.s[i.rm], i.imm & 0xff, i.shift, (i.imm & 0x100) != 0,
                                           rounding(cpu, i), cpu.fpu.fpscr);
}
/// shift: 16 for the top half.
void vcvt_from_half(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] =
      soft_float::half_to_single(static_cast<std::uint16_t>(cpu.fpu.s[i.rm] >> i.shift), cpu.fpu.fpscr);
}
void vcvt_to_half(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  const std::uint32_t half = soft_float::single_to_half(cpu.fpu.s[i.rm], cpu.fpu.fpscr);
  cpu.fpu.s[i.rd] = (cpu.fpu.s[i.rd] & ~(0xffffu << i.shift)) | half << i.shift;
}
void vsel(Cpu& cpu, const Insn& i) {
  fp_begin(cpu);
  cpu.fpu.s[i.rd] = cpu.condition(i.ra) ? cpu.fpu.s[i.rn] : cpu.fpu.s[i.rm];
}
std::uint32_t maxnm(Cpu& cpu, std::uint32_t a, std::uint32_t b) {
  return soft_float::max_number(a, b, cpu.fpu.fpscr);
}
std::uint32_t minnm(Cpu& cpu, std::uint32_t a, std::uint32_t b) {
  return soft_float::min_number(a, b, cpu.fpu.fpscr);
}

/// VFPExpandImm().
std::uint32_t expand(std::uint32_t imm8) {
  const std::uint32_t b = imm8 >> 6 & 1;
  return (imm8 & 0x80) << 24 | (b ^ 1) << 30 | (b != 0 ? 0x3e00'0000u : 0) | (imm8 & 0x3f) << 19;
}

/// One operand: moves, conversions, roundings, comparisons. `opc2` as in the encoding; `top`: bit 7.
void decode_unary(Insn& i, unsigned opc2, bool top) {
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

void decode_data(Insn& i) {
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
        decode_unary(i, op >> 16 & 15, (op >> 7 & 1) != 0);
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
  if (top == 15) {
    i.run = undefined;
  } else if (top < 14) {
    if ((i.opcode >> 28 & 1) != 0)
      i.run = undefined;
    else
      decode_fp_load_store(i);
  } else if ((i.opcode & 16) != 0) {
    if ((i.opcode >> 28 & 1) != 0)
      i.run = undefined;
    else
      decode_fp_move(i);
  } else {
    decode_data(i);
  }
}

}  // namespace pico_llama::simulator
