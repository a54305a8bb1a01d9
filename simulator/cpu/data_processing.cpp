/// Data processing: two operands (the second an immediate, a register, or a register shifted by a constant),
/// shifts by register, extensions, byte reversal, saturation, SEL, and the parallel additions of the DSP
/// extension.
#include <array>
#include <bit>
#include <utility>

#include "simulator/cpu/alu.h"
#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {

namespace {

// --- two operands ------------------------------------------------------------------------------------------

enum class Op : unsigned { kAnd, kBic, kOrr, kOrn, kEor, kAdd, kAdc, kSbc, kSub, kRsb, kMov, kMvn, kCount };
enum class Operand : unsigned { kImm, kReg, kLsl, kLsr, kAsr, kRor, kRrx, kCount };

constexpr bool is_logical(Op op) { return op <= Op::kEor || op >= Op::kMov; }

template <Op kOp, Operand kOperand, bool kSetFlags, bool kWrite>
void data(Core& core, const Insn& i) {
  std::uint32_t carry = core.c;
  std::uint32_t b;
  if constexpr (kOperand == Operand::kImm) {
    b = i.imm;
    if (kSetFlags && i.carry != 2) carry = i.carry;
  } else if constexpr (kOperand == Operand::kReg) {
    b = core.r[i.rm];
  } else {
    constexpr Shift kShift = kOperand == Operand::kLsl   ? Shift::kLsl
                             : kOperand == Operand::kLsr ? Shift::kLsr
                             : kOperand == Operand::kAsr ? Shift::kAsr
                             : kOperand == Operand::kRor ? Shift::kRor
                                                         : Shift::kRrx;
    b = shift_with_carry<kShift>(core.r[i.rm], i.shift, carry);
  }
  const std::uint32_t a = kOp == Op::kMov || kOp == Op::kMvn ? 0 : core.r[i.rn];
  std::uint32_t result;
  if constexpr (kOp == Op::kAnd) result = a & b;
  if constexpr (kOp == Op::kBic) result = a & ~b;
  if constexpr (kOp == Op::kOrr) result = a | b;
  if constexpr (kOp == Op::kOrn) result = a | ~b;
  if constexpr (kOp == Op::kEor) result = a ^ b;
  if constexpr (kOp == Op::kMov) result = b;
  if constexpr (kOp == Op::kMvn) result = ~b;
  if constexpr (is_logical(kOp)) {
    if constexpr (kSetFlags) {
      core.set_nz(result);
      core.c = carry;
    }
  } else {
    std::uint32_t c_out, v_out;
    if constexpr (kOp == Op::kAdd) result = add_with_carry(a, b, 0, c_out, v_out);
    if constexpr (kOp == Op::kAdc) result = add_with_carry(a, b, core.c, c_out, v_out);
    if constexpr (kOp == Op::kSbc) result = add_with_carry(a, ~b, core.c, c_out, v_out);
    if constexpr (kOp == Op::kSub) result = add_with_carry(a, ~b, 1, c_out, v_out);
    if constexpr (kOp == Op::kRsb) result = add_with_carry(~a, b, 1, c_out, v_out);
    if constexpr (kSetFlags) {
      core.set_nz(result);
      core.c = c_out;
      core.v = v_out;
    }
  }
  if constexpr (kWrite) core.r[i.rd] = result;
}

constexpr unsigned kOps = static_cast<unsigned>(Op::kCount);
constexpr unsigned kOperands = static_cast<unsigned>(Operand::kCount);

/// kForm: 0 plain, 1 sets flags, 2 sets flags and writes nothing.
template <std::size_t kIndex>
constexpr Handler data_at() {
  constexpr auto kOp = static_cast<Op>(kIndex / 3 / kOperands);
  constexpr auto kOperand = static_cast<Operand>(kIndex / 3 % kOperands);
  constexpr std::size_t kForm = kIndex % 3;
  return &data<kOp, kOperand, (kForm >= 1), (kForm <= 1)>;
}
template <std::size_t... kIndices>
constexpr std::array<Handler, sizeof...(kIndices)> make_table(std::index_sequence<kIndices...>) {
  return {data_at<kIndices>()...};
}
constexpr auto kTable = make_table(std::make_index_sequence<kOps * kOperands * 3>{});

enum Form : unsigned { kPlain = 0, kSetsFlags = 1, kCompares = 2 };

Handler handler(Op op, Operand operand, Form form) {
  return kTable[(static_cast<unsigned>(op) * kOperands + static_cast<unsigned>(operand)) * 3 + form];
}

Operand shifted(unsigned type, unsigned imm5, std::uint8_t& amount) {
  amount = static_cast<std::uint8_t>(imm5);
  switch (type) {
    case 0:
      return imm5 == 0 ? Operand::kReg : Operand::kLsl;
    case 1:
      amount = imm5 == 0 ? 32 : amount;
      return Operand::kLsr;
    case 2:
      amount = imm5 == 0 ? 32 : amount;
      return Operand::kAsr;
    default:
      return imm5 == 0 ? Operand::kRrx : Operand::kRor;
  }
}

/// sp as a destination is word-aligned and checked against the stack limit.
void run_with_sp_check(Core& core, const Insn& i) {
  const std::uint32_t before = core.r[13];
  i.inner(core, i);
  const std::uint32_t result = core.r[13];
  core.r[13] = before;
  core.set_sp_checked(result);
}

void add_sp_check(Insn& i) {
  i.inner = i.run;
  i.run = run_with_sp_check;
}

void add_hi(Core& core, const Insn& i) {
  core.r[15] = i.pc + 4;
  const std::uint32_t result = core.r[i.rn] + core.r[i.rm];
  if (i.rd == 15)
    core.branch(result);
  else
    core.r[i.rd] = result;
}
void mov_hi(Core& core, const Insn& i) {
  core.r[15] = i.pc + 4;
  const std::uint32_t value = core.r[i.rm];
  if (i.rd == 15)
    core.branch(value);
  else
    core.r[i.rd] = value;
}

/// Sets the destination and first operand registers.
void set_operands(Insn& i, unsigned rd, unsigned rn) {
  i.rd = static_cast<std::uint8_t>(rd);
  i.rn = static_cast<std::uint8_t>(rn);
}

/// For a 16-bit instruction that sets the flags outside an IT block.
void sets_flags_16(Insn& i) {
  i.keep_flags_in_it = true;
  i.pair_older = pairing::kSetsFlags;
}

void adr(Core& core, const Insn& i) { core.r[i.rd] = i.imm; }

void movt(Core& core, const Insn& i) { core.r[i.rd] = (core.r[i.rd] & 0xffff) | i.imm << 16; }

template <bool kSigned>
void saturate(Core& core, const Insn& i) {
  std::uint32_t carry = 0;
  const std::uint32_t operand = i.ra != 0 ? shift_with_carry<Shift::kAsr>(core.r[i.rn], i.shift, carry)
                                          : (i.shift == 0 ? core.r[i.rn] : core.r[i.rn] << i.shift);
  bool saturated = false;
  core.r[i.rd] = kSigned ? saturate_signed(static_cast<std::int32_t>(operand), i.imm, saturated)
                         : saturate_unsigned(static_cast<std::int32_t>(operand), i.imm, saturated);
  core.q |= saturated;
}
template <bool kSigned>
void saturate16(Core& core, const Insn& i) {
  bool saturated = false;
  std::uint32_t result = 0;
  for (unsigned half = 0; half < 2; ++half) {
    const auto value = static_cast<std::int16_t>(core.r[i.rn] >> (16 * half));
    const std::uint32_t part =
        kSigned ? saturate_signed(value, i.imm, saturated) : saturate_unsigned(value, i.imm, saturated);
    result |= (part & 0xffff) << (16 * half);
  }
  core.r[i.rd] = result;
  core.q |= saturated;
}

template <bool kSigned>
void bitfield_extract(Core& core, const Insn& i) {
  const std::uint32_t field = core.r[i.rn] << (32 - i.shift - i.imm);
  core.r[i.rd] = kSigned ? static_cast<std::uint32_t>(static_cast<std::int32_t>(field) >> (32 - i.imm))
                         : field >> (32 - i.imm);
}
/// BFI, and BFC where rn is 15. imm: the mask in place.
void bitfield_insert(Core& core, const Insn& i) {
  const std::uint32_t value = i.rn == 15 ? 0 : core.r[i.rn] << i.shift;
  core.r[i.rd] = (core.r[i.rd] & ~i.imm) | (value & i.imm);
}

template <bool kTb>
void pack_halfwords(Core& core, const Insn& i) {
  std::uint32_t carry = 0;
  if constexpr (kTb) {
    const std::uint32_t operand = shift_with_carry<Shift::kAsr>(core.r[i.rm], i.shift, carry);
    core.r[i.rd] = (core.r[i.rn] & 0xffff'0000) | (operand & 0xffff);
  } else {
    const std::uint32_t operand = core.r[i.rm] << i.shift;
    core.r[i.rd] = (core.r[i.rn] & 0xffff) | (operand & 0xffff'0000);
  }
}

struct OpOf {
  Op op;
  bool valid;
};
/// The op field that the modified-immediate and shifted-register encodings share.
OpOf op_of(unsigned field) {
  switch (field) {
    case 0:
      return {Op::kAnd, true};
    case 1:
      return {Op::kBic, true};
    case 2:
      return {Op::kOrr, true};
    case 3:
      return {Op::kOrn, true};
    case 4:
      return {Op::kEor, true};
    case 8:
      return {Op::kAdd, true};
    case 10:
      return {Op::kAdc, true};
    case 11:
      return {Op::kSbc, true};
    case 13:
      return {Op::kSub, true};
    case 14:
      return {Op::kRsb, true};
    default:
      return {Op::kAnd, false};
  }
}

/// Decodes the fields that the 32-bit encodings share: the operation, its form, sp and pc as operands,
/// hazards.
bool decode_common(Insn& i, Operand operand) {
  const auto [decoded_op, valid] = op_of(i.opcode >> 21 & 15);
  if (!valid) {
    i.run = undefined;
    return false;
  }
  Op op = decoded_op;
  const bool s = (i.opcode >> 20 & 1) != 0;
  set_operands(i, rd_of(i), rn_of(i));
  Form form = s ? kSetsFlags : kPlain;
  const bool can_compare = op == Op::kAnd || op == Op::kEor || op == Op::kAdd || op == Op::kSub;
  if (i.rd == 15 && s && can_compare) {
    form = kCompares;
    i.rd = 0;
  }
  if (i.rn == 15 && (op == Op::kOrr || op == Op::kOrn)) {
    op = op == Op::kOrr ? Op::kMov : Op::kMvn;
    i.rn = 0;
  } else {
    i.reads |= hazard::reg(i.rn);
  }
  const bool sp_allowed = op == Op::kAdd || op == Op::kSub || op == Op::kMov;
  const bool bad_destination = i.rd == 15 || (i.rd == 13 && !sp_allowed);
  const bool bad_source = i.rn == 15 || (i.rn == 13 && op != Op::kAdd && op != Op::kSub);
  if (bad_destination || bad_source) {
    i.run = unpredictable;
    return false;
  }
  if (op == Op::kAdc || op == Op::kSbc || operand == Operand::kRrx) i.reads |= hazard::kFlags;
  i.run = handler(op, operand, form);
  if (i.rd == 13 && form != kCompares) add_sp_check(i);
  return true;
}

}  // namespace

void decode_data_16(Insn& i) {
  const std::uint32_t op = i.opcode;
  const unsigned rd = op & 7, rn = op >> 3 & 7;
  if (op < 0x1800) {  // shift by immediate
    const unsigned type = op >> 11 & 3;
    set_operands(i, rd, 0);
    i.rm = u8(rn);
    const Operand operand = shifted(type, op >> 6 & 31, i.shift);
    i.run = handler(Op::kMov, operand, kSetsFlags);
    i.reads = hazard::reg(rn);
    sets_flags_16(i);
  } else if (op < 0x2000) {  // add, subtract: register or imm3
    set_operands(i, rd, rn);
    const bool imm = (op & 0x400) != 0;
    i.imm = op >> 6 & 7;
    i.rm = u8(op >> 6 & 7);
    i.run = handler((op & 0x200) != 0 ? Op::kSub : Op::kAdd, imm ? Operand::kImm : Operand::kReg, kSetsFlags);
    i.reads = hazard::reg(rn) | (imm ? 0 : hazard::reg(i.rm));
    sets_flags_16(i);
  } else if (op < 0x4000) {  // MOV, CMP, ADD, SUB imm8
    const unsigned r8 = op >> 8 & 7;
    set_operands(i, r8, r8);
    i.imm = op & 0xff;
    constexpr Op kOf[] = {Op::kMov, Op::kSub, Op::kAdd, Op::kSub};
    const unsigned which = op >> 11 & 3;
    i.run = handler(kOf[which], Operand::kImm, which == 1 ? kCompares : kSetsFlags);
    if (which != 0) i.reads = hazard::reg(r8);
    sets_flags_16(i);
    i.keep_flags_in_it = which != 1;
  } else if (op < 0x4400) {  // register to register
    const unsigned which = op >> 6 & 15;
    set_operands(i, rd, rd);
    i.rm = u8(rn);
    i.reads = hazard::reg(rd) | hazard::reg(rn);
    sets_flags_16(i);
    switch (which) {
      case 0:
        i.run = handler(Op::kAnd, Operand::kReg, kSetsFlags);
        break;
      case 1:
        i.run = handler(Op::kEor, Operand::kReg, kSetsFlags);
        break;
      case 5:
        i.run = handler(Op::kAdc, Operand::kReg, kSetsFlags);
        i.reads |= hazard::kFlags;
        break;
      case 6:
        i.run = handler(Op::kSbc, Operand::kReg, kSetsFlags);
        i.reads |= hazard::kFlags;
        break;
      case 8:
        i.run = handler(Op::kAnd, Operand::kReg, kCompares);
        i.keep_flags_in_it = false;
        break;
      case 9:  // RSB rd, rn, #0
        i.run = handler(Op::kRsb, Operand::kImm, kSetsFlags);
        i.rn = u8(rn);
        i.imm = 0;
        i.reads = hazard::reg(rn);
        break;
      case 10:
        i.run = handler(Op::kSub, Operand::kReg, kCompares);
        i.keep_flags_in_it = false;
        break;
      case 11:
        i.run = handler(Op::kAdd, Operand::kReg, kCompares);
        i.keep_flags_in_it = false;
        break;
      case 12:
        i.run = handler(Op::kOrr, Operand::kReg, kSetsFlags);
        break;
      case 14:
        i.run = handler(Op::kBic, Operand::kReg, kSetsFlags);
        break;
      case 15:
        i.run = handler(Op::kMvn, Operand::kReg, kSetsFlags);
        i.reads = hazard::reg(rn);
        break;
      case 13:
        i.rn = u8(rn);
        i.rm = u8(rd);
        decode_multiply(i);
        break;
      default:
        decode_data_register(i);
        break;  // shifts by register
    }
  } else if (op < 0x4700) {  // high registers
    const unsigned rdn = (op & 7) | (op >> 4 & 8);
    set_operands(i, rdn, rdn);
    i.rm = u8(op >> 3 & 15);
    i.reads = hazard::reg(i.rm);
    switch (op >> 8 & 3) {
      case 0:
        i.reads |= hazard::reg(rdn);
        if (rdn == 15 && i.rm == 15) {
          i.run = unpredictable;
          break;
        }
        i.run = rdn == 15 || i.rm == 15 ? add_hi : handler(Op::kAdd, Operand::kReg, kPlain);
        if (rdn == 13) add_sp_check(i);
        break;
      case 1:
        i.reads |= hazard::reg(rdn);
        i.run = rdn == 15 || i.rm == 15 || (rdn < 8 && i.rm < 8)
                    ? unpredictable
                    : handler(Op::kSub, Operand::kReg, kCompares);
        i.pair_older = pairing::kSetsFlags;
        break;
      default:
        i.run = rdn == 15 || i.rm == 15 ? mov_hi : handler(Op::kMov, Operand::kReg, kPlain);
        if (rdn == 13) add_sp_check(i);
        break;
    }
    if (rdn == 15) i.pair_older = pairing::kNone;
  } else if ((op & 0xf800) == 0xa000) {  // ADR
    set_operands(i, op >> 8 & 7, 0);
    i.imm = ((i.pc + 4) & ~3u) + (op & 0xff) * 4;
    i.run = adr;
  } else if ((op & 0xf800) == 0xa800) {  // ADD rd, sp, imm8
    set_operands(i, op >> 8 & 7, 13);
    i.imm = (op & 0xff) * 4;
    i.run = handler(Op::kAdd, Operand::kImm, kPlain);
    i.reads = hazard::reg(13);
  } else {  // ADD, SUB sp, imm7
    set_operands(i, 13, 13);
    i.imm = (op & 0x7f) * 4;
    i.run = handler((op & 0x80) != 0 ? Op::kSub : Op::kAdd, Operand::kImm, kPlain);
    i.reads = hazard::reg(13);
    add_sp_check(i);
  }
}

void decode_data_modified_immediate(Insn& i) {
  const std::uint32_t imm12 = (i.opcode >> 26 & 1) << 11 | (i.opcode >> 12 & 7) << 8 | (i.opcode & 0xff);
  bool shifted_constant = false;
  if ((imm12 & 0xc00) == 0) {
    const std::uint32_t byte = imm12 & 0xff;
    switch (imm12 >> 8 & 3) {
      case 0:
        i.imm = byte;
        break;
      case 1:
        i.imm = byte << 16 | byte;
        break;
      case 2:
        i.imm = byte << 24 | byte << 8;
        break;
      case 3:
        i.imm = byte * 0x0101'0101u;
        break;
    }
    if (byte == 0 && (imm12 >> 8 & 3) != 0) {
      i.run = unpredictable;
      return;
    }
  } else {
    const std::uint32_t unrotated = 0x80 | (imm12 & 0x7f);
    const unsigned rotation = imm12 >> 7;
    i.imm = unrotated >> rotation | unrotated << (32 - rotation);
    i.carry = 0;
    if ((i.imm >> 31) != 0) i.carry = 1;
    shifted_constant = true;
  }
  if (!decode_common(i, Operand::kImm)) return;
  if (shifted_constant) {
    const bool is_move = (i.opcode >> 21 & 15) == 2 && rn_of(i) == 15;
    const bool sets = (i.opcode >> 20 & 1) != 0;
    if (i.run != nullptr && !(sets && rd_of(i) == 15)) i.late = hazard::reg_by_alu(i.rd);
    if (sets && !is_move) i.cycles = u8(timing::kShiftedConstantSetsFlags.cycles);
  }
}

void decode_data_shifted_register(Insn& i) {
  i.rm = u8(rm_of(i));
  if ((i.opcode & 0x8000) != 0) {  // should be zero
    i.run = unpredictable;
    return;
  }
  const unsigned imm5 = (i.opcode >> 12 & 7) << 2 | (i.opcode >> 6 & 3);
  const unsigned type = i.opcode >> 4 & 3;
  if ((i.opcode >> 21 & 15) == 6) {  // PKHBT, PKHTB
    if ((i.opcode >> 20 & 1) != 0 || (type & 1) != 0) {
      i.run = undefined;
      return;
    }
    set_operands(i, rd_of(i), rn_of(i));
    i.shift = u8(imm5);
    if (type == 2 && imm5 == 0) i.shift = 32;
    i.run = type == 2 ? pack_halfwords<true> : pack_halfwords<false>;
    if (is_sp_or_pc(i.rd) || is_sp_or_pc(i.rn) || is_sp_or_pc(i.rm)) i.run = unpredictable;
    i.reads = hazard::reg(i.rn) | hazard::reg(i.rm);
    i.late = hazard::reg_by_alu(i.rd);
    return;
  }
  const Operand operand = shifted(type, imm5, i.shift);
  i.reads = hazard::reg(i.rm);
  if (!decode_common(i, operand)) return;
  const bool is_move = (i.opcode >> 21 & 15) == 2 && rn_of(i) == 15;
  if (i.rm == 15 || (i.rm == 13 && !(is_move && operand == Operand::kReg))) {
    i.run = unpredictable;
    return;
  }
  // MOV with a shift is LSL, LSR, ASR or ROR by a constant: simple. The others take the second ALU stage.
  if (operand != Operand::kReg && !is_move) {
    const bool compares = (i.opcode >> 20 & 1) != 0 && rd_of(i) == 15;
    if (!compares) i.late = hazard::reg_by_alu(i.rd);
    if ((i.opcode >> 20 & 1) != 0) i.late |= hazard::kFlags;
  }
}

void decode_data_plain_immediate(Insn& i) {
  const std::uint32_t imm12 = (i.opcode >> 26 & 1) << 11 | (i.opcode >> 12 & 7) << 8 | (i.opcode & 0xff);
  const unsigned op = i.opcode >> 20 & 31;
  set_operands(i, rd_of(i), rn_of(i));
  const unsigned lsb = (i.opcode >> 12 & 7) << 2 | (i.opcode >> 6 & 3);
  const unsigned msb = i.opcode & 31;
  const bool bad_rd = i.rd == 13 || i.rd == 15;
  i.reads = hazard::reg(i.rn);
  if (op >= 16 && (i.opcode & 0x0400'0020) != 0) {  // should be zero
    i.run = unpredictable;
    return;
  }
  switch (op) {
    case 0:
    case 10: {  // ADDW, SUBW, ADR
      const bool subtract = op == 10;
      if (i.rn == 15) {
        const std::uint32_t base = (i.pc + 4) & ~3u;
        i.imm = subtract ? base - imm12 : base + imm12;
        i.run = bad_rd ? unpredictable : adr;
        return;
      }
      i.imm = imm12;
      i.run = handler(subtract ? Op::kSub : Op::kAdd, Operand::kImm, kPlain);
      if (i.rd == 13 && i.rn == 13)
        add_sp_check(i);
      else if (bad_rd)
        i.run = unpredictable;
      return;
    }
    case 4:
    case 12:  // MOVW, MOVT
      i.imm = rn_of(i) << 12 | imm12;
      i.reads = op == 12 ? hazard::reg(i.rd) : 0;
      i.run = bad_rd ? unpredictable : op == 12 ? movt : adr;
      return;
    case 16:
    case 18:
    case 24:
    case 26: {  // SSAT, SSAT16, USAT, USAT16
      const bool is_signed = op < 24;
      const bool sixteen = (op & 2) != 0 && lsb == 0;
      i.imm = is_signed ? msb + 1 : msb;
      i.ra = u8(op >> 1 & 1);
      i.shift = u8(lsb);
      if (sixteen && (i.opcode & 0x10) != 0) {  // should be zero
        i.run = unpredictable;
        return;
      }
      if (sixteen) {
        i.imm = is_signed ? (msb & 15) + 1 : msb & 15;
        i.run = is_signed ? saturate16<true> : saturate16<false>;
      } else {
        i.run = is_signed ? saturate<true> : saturate<false>;
      }
      i.late = hazard::reg_by_alu(i.rd);
      break;
    }
    case 20:
    case 28:  // SBFX, UBFX
      i.shift = u8(lsb);
      i.imm = msb + 1;
      i.run = lsb + msb > 31 ? unpredictable : op == 20 ? bitfield_extract<true> : bitfield_extract<false>;
      break;
    case 22:  // BFI, BFC
      i.shift = u8(lsb);
      if (msb < lsb) {
        i.run = unpredictable;
        return;
      }
      i.imm = (~0u >> (31 - msb)) & (~0u << lsb);
      i.run = bitfield_insert;
      i.reads |= hazard::reg(i.rd);
      if (bad_rd || i.rn == 13) i.run = unpredictable;
      return;
    default:
      i.run = undefined;
      return;
  }
  if (bad_rd || i.rn == 13 || i.rn == 15) i.run = unpredictable;
}

namespace {

// --- parallel additions and subtractions -------------------------------------------------------------------

enum class Kind : unsigned { kS = 0, kQ = 1, kSh = 2, kU = 4, kUq = 5, kUh = 6 };

constexpr bool is_signed(Kind kind) { return kind < Kind::kU; }

template <Kind kKind, unsigned kBits>
std::int32_t lane(std::uint32_t word, unsigned index) {
  const std::uint32_t value = word >> (kBits * index) & ((1u << kBits) - 1);
  return static_cast<std::int32_t>(is_signed(kKind) ? sign_extend(value, kBits) : value);
}

/// One lane's result; for S and U also its GE flag.
template <Kind kKind, unsigned kBits>
std::uint32_t finish(std::int32_t sum, bool subtracts, bool& ge) {
  bool ignored = false;
  std::uint32_t result;
  if constexpr (kKind == Kind::kQ)
    result = saturate_signed(sum, kBits, ignored);
  else if constexpr (kKind == Kind::kUq)
    result = saturate_unsigned(sum, kBits, ignored);
  else if constexpr (kKind == Kind::kSh || kKind == Kind::kUh)
    result = static_cast<std::uint32_t>(sum >> 1);
  else
    result = static_cast<std::uint32_t>(sum);
  ge = is_signed(kKind) || subtracts ? sum >= 0 : sum >= (1 << kBits);
  return result & ((1u << kBits) - 1);
}

template <Kind kKind, unsigned kBits, bool kSubtract>
void lanes(Core& core, const Insn& i) {
  std::uint32_t result = 0;
  std::uint8_t ge = 0;
  for (unsigned index = 0; index < 32 / kBits; ++index) {
    const std::int32_t a = lane<kKind, kBits>(core.r[i.rn], index);
    const std::int32_t b = lane<kKind, kBits>(core.r[i.rm], index);
    bool at_least = false;
    result |= finish<kKind, kBits>(kSubtract ? a - b : a + b, kSubtract, at_least) << (kBits * index);
    if (at_least) ge = u8(ge | ((1u << (kBits / 8)) - 1) << (index * (kBits / 8)));
  }
  core.r[i.rd] = result;
  if constexpr (kKind == Kind::kS || kKind == Kind::kU) core.ge = ge;
}

/// ASX: low = low - high, high = high + low. SAX: the other way round.
template <Kind kKind, bool kAsx>
void exchanged(Core& core, const Insn& i) {
  const std::int32_t a_low = lane<kKind, 16>(core.r[i.rn], 0), a_high = lane<kKind, 16>(core.r[i.rn], 1);
  const std::int32_t b_low = lane<kKind, 16>(core.r[i.rm], 0), b_high = lane<kKind, 16>(core.r[i.rm], 1);
  bool ge_low = false, ge_high = false;
  const std::uint32_t low = finish<kKind, 16>(kAsx ? a_low - b_high : a_low + b_high, kAsx, ge_low);
  const std::uint32_t high = finish<kKind, 16>(kAsx ? a_high + b_low : a_high - b_low, !kAsx, ge_high);
  core.r[i.rd] = high << 16 | low;
  if constexpr (kKind == Kind::kS || kKind == Kind::kU) core.ge = u8((ge_low ? 3u : 0) | (ge_high ? 12u : 0));
}

template <Kind kKind>
Handler of_kind(unsigned operation) {
  switch (operation) {
    case 0:
      return lanes<kKind, 8, false>;
    case 1:
      return lanes<kKind, 16, false>;
    case 2:
      return exchanged<kKind, true>;
    case 4:
      return lanes<kKind, 8, true>;
    case 5:
      return lanes<kKind, 16, true>;
    case 6:
      return exchanged<kKind, false>;
    default:
      return undefined;
  }
}

/// `operation`: ADD8, ADD16, ASX, -, SUB8, SUB16, SAX; `kind`: S, Q, SH, -, U, UQ, UH, in the encoding's
/// order. The undefined() handler where there is none.
Handler parallel_handler(unsigned operation, unsigned kind) {
  switch (kind) {
    case 0:
      return of_kind<Kind::kS>(operation);
    case 1:
      return of_kind<Kind::kQ>(operation);
    case 2:
      return of_kind<Kind::kSh>(operation);
    case 4:
      return of_kind<Kind::kU>(operation);
    case 5:
      return of_kind<Kind::kUq>(operation);
    case 6:
      return of_kind<Kind::kUh>(operation);
    default:
      return undefined;
  }
}

// --- registers alone: shifts, extensions, reversal, saturation, SEL ----------------------------------------

template <Shift kShift, bool kSetFlags>
void shift_by_register(Core& core, const Insn& i) {
  std::uint32_t carry = core.c;
  const std::uint32_t result = shift_with_carry<kShift>(core.r[i.rn], core.r[i.rm] & 0xff, carry);
  core.r[i.rd] = result;
  if constexpr (kSetFlags) {
    core.set_nz(result);
    core.c = carry;
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
void extend(Core& core, const Insn& i) {
  const std::uint32_t operand = rotate_right(core.r[i.rm], i.shift);
  const std::uint32_t base = kAdd ? core.r[i.rn] : 0;
  std::uint32_t result;
  if constexpr (kExtend == Extend::kSxth)
    result = base + static_cast<std::uint32_t>(static_cast<std::int16_t>(operand));
  else if constexpr (kExtend == Extend::kUxth)
    result = base + (operand & 0xffff);
  else if constexpr (kExtend == Extend::kSxtb)
    result = base + sign_extend(operand & 0xff, 8);
  else if constexpr (kExtend == Extend::kUxtb)
    result = base + (operand & 0xff);
  else if constexpr (kExtend == Extend::kSxtb16 && !kAdd)
    result = extend_bytes(operand);
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
  core.r[i.rd] = result;
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
void saturating(Core& core, const Insn& i) {
  bool saturated = false;
  std::int64_t other = static_cast<std::int32_t>(core.r[i.rn]);
  if constexpr (kDouble) other = static_cast<std::int32_t>(saturate_signed(2 * other, 32, saturated));
  const std::int64_t base = static_cast<std::int32_t>(core.r[i.rm]);
  core.r[i.rd] = saturate_signed(kSubtract ? base - other : base + other, 32, saturated);
  core.q |= saturated;
}

void rev(Core& core, const Insn& i) { core.r[i.rd] = __builtin_bswap32(core.r[i.rm]); }
void rev16(Core& core, const Insn& i) { core.r[i.rd] = std::rotl(__builtin_bswap32(core.r[i.rm]), 16); }
void revsh(Core& core, const Insn& i) {
  core.r[i.rd] = static_cast<std::uint32_t>(
      static_cast<std::int16_t>(__builtin_bswap16(static_cast<std::uint16_t>(core.r[i.rm]))));
}
void rbit(Core& core, const Insn& i) {
  std::uint32_t value = core.r[i.rm];
  value = (value >> 1 & 0x5555'5555) | (value & 0x5555'5555) << 1;
  value = (value >> 2 & 0x3333'3333) | (value & 0x3333'3333) << 2;
  value = (value >> 4 & 0x0f0f'0f0f) | (value & 0x0f0f'0f0f) << 4;
  core.r[i.rd] = __builtin_bswap32(value);
}
void clz(Core& core, const Insn& i) {
  core.r[i.rd] = static_cast<std::uint32_t>(std::countl_zero(core.r[i.rm]));
}
void sel(Core& core, const Insn& i) {
  std::uint32_t mask = 0;
  for (unsigned byte = 0; byte < 4; ++byte)
    if ((core.ge >> byte & 1) != 0) mask |= 0xffu << (8 * byte);
  core.r[i.rd] = (core.r[i.rn] & mask) | (core.r[i.rm] & ~mask);
}

/// The 16-bit encodings: shifts by register, extensions, byte reversal.
void decode_register_16(Insn& i) {
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
    decode_register_16(i);
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
  if (i.run == extend<Extend::kSxtb16, false>) i.inlined = Inlined::kExtendBytes;
}

}  // namespace pico_llama::simulator
