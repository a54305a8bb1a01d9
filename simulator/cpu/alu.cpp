/// Data processing with two operands, the second an immediate, a register, or a register shifted by a
/// constant.
#include <array>
#include <utility>

#include "simulator/cpu/alu.h"
#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

enum class Op : unsigned { kAnd, kBic, kOrr, kOrn, kEor, kAdd, kAdc, kSbc, kSub, kRsb, kMov, kMvn, kCount };
enum class Operand : unsigned { kImm, kReg, kLsl, kLsr, kAsr, kRor, kRrx, kCount };

constexpr bool is_logical(Op op) { return op <= Op::kEor || op >= Op::kMov; }

template <Op kOp, Operand kOperand, bool kSetFlags, bool kWrite>
void data(Cpu& cpu, const Insn& i) {
  std::uint32_t carry = cpu.c;
  std::uint32_t b;
  if constexpr (kOperand == Operand::kImm) {
    b = i.imm;
    if (kSetFlags && i.carry != 2) carry = i.carry;
  } else if constexpr (kOperand == Operand::kReg) {
    b = cpu.r[i.rm];
  } else {
    constexpr Shift kShift = kOperand == Operand::kLsl   ? Shift::kLsl
                             : kOperand == Operand::kLsr ? Shift::kLsr
                             : kOperand == Operand::kAsr ? Shift::kAsr
                             : kOperand == Operand::kRor ? Shift::kRor
                                                         : Shift::kRrx;
    b = shift_with_carry<kShift>(cpu.r[i.rm], i.shift, carry);
  }
  const std::uint32_t a = kOp == Op::kMov || kOp == Op::kMvn ? 0 : cpu.r[i.rn];
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
      cpu.set_nz(result);
      cpu.c = carry;
    }
  } else {
    std::uint32_t c_out, v_out;
    if constexpr (kOp == Op::kAdd) result = add_with_carry(a, b, 0, c_out, v_out);
    if constexpr (kOp == Op::kAdc) result = add_with_carry(a, b, cpu.c, c_out, v_out);
    if constexpr (kOp == Op::kSbc) result = add_with_carry(a, ~b, cpu.c, c_out, v_out);
    if constexpr (kOp == Op::kSub) result = add_with_carry(a, ~b, 1, c_out, v_out);
    if constexpr (kOp == Op::kRsb) result = add_with_carry(~a, b, 1, c_out, v_out);
    if constexpr (kSetFlags) {
      cpu.set_nz(result);
      cpu.c = c_out;
      cpu.v = v_out;
    }
  }
  if constexpr (kWrite) cpu.r[i.rd] = result;
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
void with_sp_checked(Cpu& cpu, const Insn& i) {
  const std::uint32_t before = cpu.r[13];
  i.inner(cpu, i);
  const std::uint32_t result = cpu.r[13];
  cpu.r[13] = before;
  cpu.set_sp_checked(result);
}

void sp_destination(Insn& i) {
  i.inner = i.run;
  i.run = with_sp_checked;
}

void add_hi(Cpu& cpu, const Insn& i) {
  cpu.r[15] = i.pc + 4;
  const std::uint32_t result = cpu.r[i.rn] + cpu.r[i.rm];
  if (i.rd == 15)
    cpu.branch(result);
  else
    cpu.r[i.rd] = result;
}
void mov_hi(Cpu& cpu, const Insn& i) {
  cpu.r[15] = i.pc + 4;
  const std::uint32_t value = cpu.r[i.rm];
  if (i.rd == 15)
    cpu.branch(value);
  else
    cpu.r[i.rd] = value;
}

/// MOV of an 8-bit constant to a low register.
void set_operands(Insn& i, unsigned rd, unsigned rn) {
  i.rd = static_cast<std::uint8_t>(rd);
  i.rn = static_cast<std::uint8_t>(rn);
}

/// For a 16-bit instruction that sets the flags outside an IT block.
void sets_flags_16(Insn& i) {
  i.keep_flags_in_it = true;
  i.gives = pairing::kSetsFlags;
}

void adr(Cpu& cpu, const Insn& i) { cpu.r[i.rd] = i.imm; }

void movt(Cpu& cpu, const Insn& i) { cpu.r[i.rd] = (cpu.r[i.rd] & 0xffff) | i.imm << 16; }

template <bool kSigned>
void saturate(Cpu& cpu, const Insn& i) {
  std::uint32_t carry = 0;
  const std::uint32_t operand = i.ra != 0 ? shift_with_carry<Shift::kAsr>(cpu.r[i.rn], i.shift, carry)
                                          : (i.shift == 0 ? cpu.r[i.rn] : cpu.r[i.rn] << i.shift);
  bool saturated = false;
  cpu.r[i.rd] = kSigned ? saturate_signed(static_cast<std::int32_t>(operand), i.imm, saturated)
                        : saturate_unsigned(static_cast<std::int32_t>(operand), i.imm, saturated);
  cpu.q |= saturated;
}
template <bool kSigned>
void saturate16(Cpu& cpu, const Insn& i) {
  bool saturated = false;
  std::uint32_t result = 0;
  for (unsigned half = 0; half < 2; ++half) {
    const auto value = static_cast<std::int16_t>(cpu.r[i.rn] >> (16 * half));
    const std::uint32_t part =
        kSigned ? saturate_signed(value, i.imm, saturated) : saturate_unsigned(value, i.imm, saturated);
    result |= (part & 0xffff) << (16 * half);
  }
  cpu.r[i.rd] = result;
  cpu.q |= saturated;
}

template <bool kSigned>
void bitfield_extract(Cpu& cpu, const Insn& i) {
  const std::uint32_t field = cpu.r[i.rn] << (32 - i.shift - i.imm);
  cpu.r[i.rd] = kSigned ? static_cast<std::uint32_t>(static_cast<std::int32_t>(field) >> (32 - i.imm))
                        : field >> (32 - i.imm);
}
/// BFI, and BFC where rn is 15. imm: the mask in place.
void bitfield_insert(Cpu& cpu, const Insn& i) {
  const std::uint32_t value = i.rn == 15 ? 0 : cpu.r[i.rn] << i.shift;
  cpu.r[i.rd] = (cpu.r[i.rd] & ~i.imm) | (value & i.imm);
}

template <bool kTb>
void pack_halfwords(Cpu& cpu, const Insn& i) {
  std::uint32_t carry = 0;
  if constexpr (kTb) {
    const std::uint32_t operand = shift_with_carry<Shift::kAsr>(cpu.r[i.rm], i.shift, carry);
    cpu.r[i.rd] = (cpu.r[i.rn] & 0xffff'0000) | (operand & 0xffff);
  } else {
    const std::uint32_t operand = cpu.r[i.rm] << i.shift;
    cpu.r[i.rd] = (cpu.r[i.rn] & 0xffff) | (operand & 0xffff'0000);
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

/// Decodes what the 32-bit encodings share: the operation, its form, sp and pc as operands, hazards.
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
  if (i.rd == 13 && form != kCompares) sp_destination(i);
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
        if (rdn == 13) sp_destination(i);
        break;
      case 1:
        i.reads |= hazard::reg(rdn);
        i.run = rdn == 15 || i.rm == 15 || (rdn < 8 && i.rm < 8)
                    ? unpredictable
                    : handler(Op::kSub, Operand::kReg, kCompares);
        i.gives = pairing::kSetsFlags;
        break;
      default:
        i.run = rdn == 15 || i.rm == 15 ? mov_hi : handler(Op::kMov, Operand::kReg, kPlain);
        if (rdn == 13) sp_destination(i);
        break;
    }
    if (rdn == 15) i.gives = pairing::kNone;
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
    sp_destination(i);
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
    i.carry = u8(i.imm >> 31);
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
    if (i.rd >= 13 || i.rn >= 13 || i.rm >= 13)
      i.run = i.rd == 14 || i.rn == 14 || i.rm == 14 ? i.run : unpredictable;
    if (i.rd == 13 || i.rd == 15 || i.rn == 13 || i.rn == 15 || i.rm == 13 || i.rm == 15)
      i.run = unpredictable;
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
        sp_destination(i);
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

}  // namespace pico_llama::simulator
