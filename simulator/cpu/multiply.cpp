/// Multiplications, multiply-accumulates and divisions.
#include <bit>

#include "simulator/cpu/alu.h"
#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

std::int32_t s32(std::uint32_t value) { return static_cast<std::int32_t>(value); }
std::int64_t half(std::uint32_t word, bool top) { return static_cast<std::int16_t>(top ? word >> 16 : word); }
std::int32_t low_half(std::uint32_t word) { return static_cast<std::int16_t>(word); }
std::int32_t high_half(std::uint32_t word) { return s32(word) >> 16; }
std::uint32_t swap_halves(std::uint32_t word) { return std::rotl(word, 16); }
std::uint32_t low(std::int64_t value) { return static_cast<std::uint32_t>(value); }

void muls_16(Core& core, const Insn& i) {
  const std::uint32_t result = core.r[i.rn] * core.r[i.rm];
  core.r[i.rd] = result;
  core.set_nz(result);
}
void mul(Core& core, const Insn& i) { core.r[i.rd] = core.r[i.rn] * core.r[i.rm]; }
void mla(Core& core, const Insn& i) { core.r[i.rd] = core.r[i.ra] + core.r[i.rn] * core.r[i.rm]; }
void mls(Core& core, const Insn& i) { core.r[i.rd] = core.r[i.ra] - core.r[i.rn] * core.r[i.rm]; }

/// Adds to a 32-bit accumulator and notes in Q whether the signed sum left 32 bits.
void accumulate(Core& core, const Insn& i, std::int64_t product) {
  const std::int64_t sum = product + (i.ra == 15 ? 0 : std::int64_t{s32(core.r[i.ra])});
  core.r[i.rd] = low(sum);
  if (sum != s32(low(sum))) core.q = true;
}

/// SMULxy, SMLAxy: shift bit 1 takes rn's top half, bit 0 rm's.
void smla_xy(Core& core, const Insn& i) {
  accumulate(core, i, half(core.r[i.rn], (i.shift & 2) != 0) * half(core.r[i.rm], (i.shift & 1) != 0));
}
/// SMULWy, SMLAWy.
void smlaw(Core& core, const Insn& i) {
  const std::int64_t product = std::int64_t{s32(core.r[i.rn])} * half(core.r[i.rm], (i.shift & 1) != 0);
  accumulate(core, i, product >> 16);
}
/// SMUAD, SMLAD, SMUSD, SMLSD and their X forms.
template <bool kSubtract, bool kExchange>
void dual(Core& core, const Insn& i) {
  const std::uint32_t a = core.r[i.rn];
  const std::uint32_t b = kExchange ? swap_halves(core.r[i.rm]) : core.r[i.rm];
  if constexpr (!kSubtract) return accumulate(core, i, dual_product_sum(a, b));
  const std::int32_t first = low_half(a) * low_half(b), second = high_half(a) * high_half(b);
  accumulate(core, i, std::int64_t{first} - second);
}
/// SMMUL, SMMLA, SMMLS and their R forms (shift bit 0: rounds).
template <bool kSubtract>
void most_significant(Core& core, const Insn& i) {
  const std::int64_t product = std::int64_t{s32(core.r[i.rn])} * s32(core.r[i.rm]);
  std::uint64_t sum = i.ra == 15 ? 0 : std::uint64_t{core.r[i.ra]} << 32;
  sum = kSubtract ? sum - static_cast<std::uint64_t>(product) : sum + static_cast<std::uint64_t>(product);
  if ((i.shift & 1) != 0) sum += 0x8000'0000u;
  core.r[i.rd] = static_cast<std::uint32_t>(sum >> 32);
}
void usada8(Core& core, const Insn& i) {
  std::uint32_t sum = i.ra == 15 ? 0 : core.r[i.ra];
  for (unsigned byte = 0; byte < 32; byte += 8) {
    const int difference = s32(core.r[i.rn] >> byte & 0xff) - s32(core.r[i.rm] >> byte & 0xff);
    sum += static_cast<std::uint32_t>(difference < 0 ? -difference : difference);
  }
  core.r[i.rd] = sum;
}

/// Long results: low word in ra (RdLo), high word in rd (RdHi).
void write_long(Core& core, const Insn& i, std::uint64_t value) {
  core.r[i.ra] = static_cast<std::uint32_t>(value);
  core.r[i.rd] = static_cast<std::uint32_t>(value >> 32);
}
std::uint64_t read_long(const Core& core, const Insn& i) {
  return std::uint64_t{core.r[i.rd]} << 32 | core.r[i.ra];
}
template <bool kSigned, bool kAccumulate>
void mull(Core& core, const Insn& i) {
  const std::uint64_t product =
      kSigned ? static_cast<std::uint64_t>(std::int64_t{s32(core.r[i.rn])} * s32(core.r[i.rm]))
              : std::uint64_t{core.r[i.rn]} * core.r[i.rm];
  write_long(core, i, product + (kAccumulate ? read_long(core, i) : 0));
}
void umaal(Core& core, const Insn& i) {
  write_long(core, i, std::uint64_t{core.r[i.rn]} * core.r[i.rm] + core.r[i.rd] + core.r[i.ra]);
}
void smlal_xy(Core& core, const Insn& i) {
  const std::int64_t product =
      half(core.r[i.rn], (i.shift & 2) != 0) * half(core.r[i.rm], (i.shift & 1) != 0);
  write_long(core, i, read_long(core, i) + static_cast<std::uint64_t>(product));
}
template <bool kSubtract, bool kExchange>
void dual_long(Core& core, const Insn& i) {
  const std::uint32_t a = core.r[i.rn];
  const std::uint32_t b = kExchange ? swap_halves(core.r[i.rm]) : core.r[i.rm];
  const std::int64_t first = half(a, false) * half(b, false), second = half(a, true) * half(b, true);
  write_long(core, i,
             read_long(core, i) + static_cast<std::uint64_t>(kSubtract ? first - second : first + second));
}

/// About 4 quotient bits a cycle between the documented least and most (timing.h).
void charge_division(Core& core, std::uint32_t quotient) {
  const auto bits = static_cast<std::uint32_t>(32 - std::countl_zero(quotient));
  const std::uint32_t cycles = timing::kDivideMin.cycles + (bits + 3) / 4;
  core.clock += (cycles > timing::kDivideMax.cycles ? timing::kDivideMax.cycles : cycles) - 1;
}
void divide_by_zero(Core& core, const Insn& i) {
  if ((core.scs.ccr & Scs::kCcrDiv0Trp) != 0) throw usage_fault(cfsr::kDivbyzero);
  core.r[i.rd] = 0;
  charge_division(core, 0);
}
void udiv(Core& core, const Insn& i) {
  if (core.r[i.rm] == 0) return divide_by_zero(core, i);
  const std::uint32_t quotient = core.r[i.rn] / core.r[i.rm];
  charge_division(core, quotient);
  core.r[i.rd] = quotient;
}
void sdiv(Core& core, const Insn& i) {
  if (core.r[i.rm] == 0) return divide_by_zero(core, i);
  const std::int64_t quotient = std::int64_t{s32(core.r[i.rn])} / s32(core.r[i.rm]);
  charge_division(core, static_cast<std::uint32_t>(quotient < 0 ? -quotient : quotient));
  core.r[i.rd] = low(quotient);
}

}  // namespace

void decode_multiply(Insn& i) {
  if (!i.wide()) {
    i.run = muls_16;
    i.cycles = u8(timing::kMultiplySetsFlags.cycles);
    i.reads = hazard::reg(i.rn) | hazard::reg(i.rm);
    return;
  }
  const unsigned op1 = i.opcode >> 20 & 7, op2 = i.opcode >> 4 & 3;
  i.rd = u8(rd_of(i));
  i.rn = u8(rn_of(i));
  i.rm = u8(rm_of(i));
  i.ra = u8(rt_of(i));
  i.shift = u8(op2);
  // The accumulator is needed a stage later than the factors: it never waits.
  i.reads = hazard::reg(i.rn) | hazard::reg(i.rm);
  i.late = hazard::reg_by_alu(i.rd);
  i.run = undefined;
  if ((i.opcode >> 6 & 3) != 0) return;
  switch (op1) {
    case 0:
      if (op2 == 0) i.run = i.ra == 15 ? mul : mla;
      if (op2 == 1) i.run = i.ra == 15 ? unpredictable : mls;
      break;
    case 1:
      i.run = smla_xy;
      break;
    case 2:
      if (op2 < 2) i.run = op2 == 0 ? dual<false, false> : dual<false, true>;
      break;
    case 3:
      if (op2 < 2) i.run = smlaw;
      break;
    case 4:
      if (op2 < 2) i.run = op2 == 0 ? dual<true, false> : dual<true, true>;
      break;
    case 5:
      if (op2 < 2) i.run = most_significant<false>;
      break;
    case 6:
      if (op2 < 2) i.run = i.ra == 15 ? unpredictable : most_significant<true>;
      break;
    case 7:
      if (op2 == 0) i.run = usada8;
      break;
  }
  if (i.run != undefined && (is_sp_or_pc(i.rd) || is_sp_or_pc(i.rn) || is_sp_or_pc(i.rm) || i.ra == 13))
    i.run = unpredictable;
  if (i.run == dual<false, false>) i.inlined = Inlined::kDualMultiply;
}

void decode_long_multiply(Insn& i) {
  const unsigned op1 = i.opcode >> 20 & 7, op2 = i.opcode >> 4 & 15;
  i.rd = u8(rd_of(i));
  i.rn = u8(rn_of(i));
  i.rm = u8(rm_of(i));
  i.ra = u8(rt_of(i));
  i.shift = u8(op2 & 3);
  i.reads = hazard::reg(i.rn) | hazard::reg(i.rm);
  i.run = undefined;
  if (op1 == 1 || op1 == 3) {
    if (op2 != 15) return;
    i.run = op1 == 1 ? sdiv : udiv;
    if (i.ra != 15) i.run = unpredictable;
  } else {
    i.late = hazard::reg_by_alu(i.rd) | hazard::reg_by_alu(i.ra);
    switch (op1) {
      case 0:
        if (op2 == 0) i.run = mull<true, false>;
        break;
      case 2:
        if (op2 == 0) i.run = mull<false, false>;
        break;
      case 4:
        if (op2 == 0) i.run = mull<true, true>;
        if (op2 >= 8 && op2 < 12) i.run = smlal_xy;
        if (op2 == 12) i.run = dual_long<false, false>;
        if (op2 == 13) i.run = dual_long<false, true>;
        break;
      case 5:
        if (op2 == 12) i.run = dual_long<true, false>;
        if (op2 == 13) i.run = dual_long<true, true>;
        break;
      case 6:
        if (op2 == 0) i.run = mull<false, true>;
        if (op2 == 6) i.run = umaal;
        break;
      default:
        break;
    }
    if (i.run == undefined) return;
    if (i.rd == i.ra || is_sp_or_pc(i.ra)) i.run = unpredictable;
  }
  if (i.run != undefined && (is_sp_or_pc(i.rd) || is_sp_or_pc(i.rn) || is_sp_or_pc(i.rm)))
    i.run = unpredictable;
}

}  // namespace pico_llama::simulator
