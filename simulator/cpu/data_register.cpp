/// Data processing on registers alone: shifts by register, extensions, byte reversal, counting, saturating
/// arithmetic, SEL. The parallel additions and subtractions are in parallel.cpp.
#include <bit>

#include "simulator/cpu/alu.h"
#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"
#include "simulator/cpu/parallel.h"

namespace pico_llama::simulator {
namespace {

template <Shift kShift, bool kSetFlags>
void shift_by_register(Cpu& cpu, const Insn& i) {
  std::uint32_t carry = cpu.c;
  const std::uint32_t result = shift_with_carry<kShift>(cpu.r[i.rn], cpu.r[i.rm] & 0xff, carry);
  cpu.r[i.rd] = result;
  if constexpr (kSetFlags) {
    cpu.set_nz(result);
    cpu.c = carry;
  }
}

Handler shift_handler(unsigned type, bool set_flags) {
  switch (type) {
    case 0:
      return set_flags ? shift_by_register<Shift::kLsl, true> : shift_by_register<Shift::kLsl, false>;
    case 1:
      return set_flags ? shift_by_register<Shift::kLsr, true> : shift_by_register<Shift::kLsr, false>;
    case 2:
      return set_flags ? shift_by_register<Shift::kAsr, true> : shift_by_register<Shift::kAsr, false>;
    default:
      return set_flags ? shift_by_register<Shift::kRor, true> : shift_by_register<Shift::kRor, false>;
  }
}

enum class Extend : unsigned { kSxth, kUxth, kSxtb16, kUxtb16, kSxtb, kUxtb };

std::uint32_t rotate_right(std::uint32_t value, unsigned by) {
  return std::rotr(value, static_cast<int>(by));
}

/// XTA where kAdd, else XT. shift: rotation of rm.
template <Extend kExtend, bool kAdd>
void extend(Cpu& cpu, const Insn& i) {
  const std::uint32_t operand = rotate_right(cpu.r[i.rm], i.shift);
  const std::uint32_t base = kAdd ? cpu.r[i.rn] : 0;
  std::uint32_t result;
  if constexpr (kExtend == Extend::kSxth)
    result = base + static_cast<std::uint32_t>(static_cast<std::int16_t>(operand));
  else if constexpr (kExtend == Extend::kUxth)
    result = base + (operand & 0xffff);
  else if constexpr (kExtend == Extend::kSxtb)
    result = base + sign_extend(operand & 0xff, 8);
  else if constexpr (kExtend == Extend::kUxtb)
    result = base + (operand & 0xff);
  else {
    std::uint32_t low, high;
    if constexpr (kExtend == Extend::kSxtb16) {
      low = sign_extend(operand & 0xff, 8);
      high = sign_extend(operand >> 16 & 0xff, 8);
    } else {
      low = operand & 0xff;
      high = operand >> 16 & 0xff;
    }
    result = ((base + low) & 0xffff) | ((base >> 16) + high) << 16;
  }
  cpu.r[i.rd] = result;
}

template <bool kAdd>
Handler extend_handler(unsigned which) {
  switch (which) {
    case 0:
      return extend<Extend::kSxth, kAdd>;
    case 1:
      return extend<Extend::kUxth, kAdd>;
    case 2:
      return extend<Extend::kSxtb16, kAdd>;
    case 3:
      return extend<Extend::kUxtb16, kAdd>;
    case 4:
      return extend<Extend::kSxtb, kAdd>;
    default:
      return extend<Extend::kUxtb, kAdd>;
  }
}

/// QADD, QDADD, QSUB, QDSUB: rm plus or minus rn.
template <bool kDouble, bool kSubtract>
void saturating(Cpu& cpu, const Insn& i) {
  bool saturated = false;
  std::int64_t other = static_cast<std::int32_t>(cpu.r[i.rn]);
  if constexpr (kDouble) other = static_cast<std::int32_t>(saturate_signed(2 * other, 32, saturated));
  const std::int64_t base = static_cast<std::int32_t>(cpu.r[i.rm]);
  cpu.r[i.rd] = saturate_signed(kSubtract ? base - other : base + other, 32, saturated);
  cpu.q |= saturated;
}

void rev(Cpu& cpu, const Insn& i) { cpu.r[i.rd] = __builtin_bswap32(cpu.r[i.rm]); }
void rev16(Cpu& cpu, const Insn& i) { cpu.r[i.rd] = std::rotl(__builtin_bswap32(cpu.r[i.rm]), 16); }
void revsh(Cpu& cpu, const Insn& i) {
  cpu.r[i.rd] = static_cast<std::uint32_t>(
      static_cast<std::int16_t>(__builtin_bswap16(static_cast<std::uint16_t>(cpu.r[i.rm]))));
}
void rbit(Cpu& cpu, const Insn& i) {
  std::uint32_t value = cpu.r[i.rm];
  value = (value >> 1 & 0x5555'5555) | (value & 0x5555'5555) << 1;
  value = (value >> 2 & 0x3333'3333) | (value & 0x3333'3333) << 2;
  value = (value >> 4 & 0x0f0f'0f0f) | (value & 0x0f0f'0f0f) << 4;
  cpu.r[i.rd] = __builtin_bswap32(value);
}
void clz(Cpu& cpu, const Insn& i) { cpu.r[i.rd] = static_cast<std::uint32_t>(std::countl_zero(cpu.r[i.rm])); }
void sel(Cpu& cpu, const Insn& i) {
  std::uint32_t mask = 0;
  for (unsigned byte = 0; byte < 4; ++byte)
    if ((cpu.ge >> byte & 1) != 0) mask |= 0xffu << (8 * byte);
  cpu.r[i.rd] = (cpu.r[i.rn] & mask) | (cpu.r[i.rm] & ~mask);
}

bool is_sp_or_pc(unsigned reg) { return reg == 13 || reg == 15; }

/// The 16-bit encodings: shifts by register, extensions, byte reversal.
void decode_16(Insn& i) {
  i.rd = u8(i.opcode & 7);
  i.rm = u8(i.opcode >> 3 & 7);
  i.reads = hazard::reg(i.rm);
  if (i.opcode < 0x4400) {
    const unsigned which = i.opcode >> 6 & 15;
    i.rn = i.rd;
    i.reads |= hazard::reg(i.rn);
    i.run = shift_handler(which == 2 ? 0 : which == 3 ? 1 : which == 4 ? 2 : 3, true);
  } else if ((i.opcode & 0xff00) == 0xb200) {
    constexpr unsigned kWhich[] = {0, 4, 1, 5};
    i.run = extend_handler<false>(kWhich[i.opcode >> 6 & 3]);
  } else {
    const unsigned which = i.opcode >> 6 & 3;
    i.run = which == 0 ? rev : which == 1 ? rev16 : which == 3 ? revsh : undefined;
  }
}

}  // namespace

void decode_data_register(Insn& i) {
  if (!i.wide()) {
    decode_16(i);
    return;
  }
  const unsigned op1 = i.opcode >> 20 & 15;
  const unsigned op2 = i.opcode >> 4 & 15;
  i.rd = u8(rd_of(i));
  i.rn = u8(rn_of(i));
  i.rm = u8(rm_of(i));
  i.reads = hazard::reg(i.rm) | hazard::reg(i.rn);
  i.run = undefined;
  if ((i.opcode & 0xf000) != 0xf000) return;
  bool rn_may_be_pc = false;
  if (op1 < 8 && op2 == 0) {
    i.run = shift_handler(op1 >> 1, (op1 & 1) != 0);
  } else if (op1 < 6 && op2 >= 8) {
    if ((op2 & 4) != 0) return;
    i.shift = u8((op2 & 3) * 8);
    rn_may_be_pc = i.rn == 15;
    if (rn_may_be_pc) {
      i.run = extend_handler<false>(op1);
      i.reads = hazard::reg(i.rm);
      if (op1 == 2 || op1 == 3) i.late = hazard::reg_by_alu(i.rd);
    } else {
      i.run = extend_handler<true>(op1);
      // The addend chains from a two-stage result, but not from a load.
      i.reads = hazard::reg(i.rm) | hazard::reg_by_load(i.rn);
      i.late = hazard::reg_by_alu(i.rd);
    }
  } else if (op1 >= 8 && op2 < 8) {
    i.run = parallel_handler(op1 & 7, op2);
    i.late = hazard::reg_by_alu(i.rd);
  } else if (op1 >= 8 && op1 < 12 && op2 >= 8 && op2 < 12) {
    const unsigned which = (op1 & 3) << 2 | (op2 & 3);
    switch (which) {
      case 0:
        i.run = saturating<false, false>;
        break;
      case 1:
        i.run = saturating<true, false>;
        break;
      case 2:
        i.run = saturating<false, true>;
        break;
      case 3:
        i.run = saturating<true, true>;
        break;
      case 4:
        i.run = rev;
        break;
      case 5:
        i.run = rev16;
        break;
      case 6:
        i.run = rbit;
        break;
      case 7:
        i.run = revsh;
        break;
      case 8:
        i.run = sel;
        break;
      case 12:
        i.run = clz;
        break;
      default:
        return;
    }
    if (which < 4) i.late = hazard::reg_by_alu(i.rd);
    // REV, RBIT, CLZ name rm twice; that both are the same is required.
    if ((which >= 4 && which < 8) || which == 12) {
      if (i.rn != i.rm) {
        i.run = unpredictable;
        return;
      }
    }
  } else {
    return;
  }
  if (i.run == undefined) return;
  if (is_sp_or_pc(i.rd) || is_sp_or_pc(i.rm) || (is_sp_or_pc(i.rn) && !rn_may_be_pc)) i.run = unpredictable;
}

}  // namespace pico_llama::simulator
