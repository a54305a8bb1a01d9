/// Loads and stores of one register.
#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

enum class Type : unsigned { kB, kH, kW, kSb, kSh };
enum class Mode : unsigned { kOffset, kPre, kPost, kRegister, kLiteral, kUnprivileged };

constexpr unsigned size_of(Type type) {
  return type == Type::kW ? 4 : type == Type::kH || type == Type::kSh ? 2 : 1;
}

template <Mode kMode>
std::uint32_t address_of(const Cpu& cpu, const Insn& i) {
  if constexpr (kMode == Mode::kLiteral) return i.imm;
  if constexpr (kMode == Mode::kRegister) return cpu.r[i.rn] + (cpu.r[i.rm] << i.shift);
  if constexpr (kMode == Mode::kPost) return cpu.r[i.rn];
  return cpu.r[i.rn] + i.imm;
}

/// Before the access, so that a stack overflow stops it.
template <Mode kMode>
void check_writeback(Cpu& cpu, const Insn& i) {
  if constexpr (kMode == Mode::kPre || kMode == Mode::kPost)
    if (i.rn == 13) [[unlikely]]
      cpu.check_stack(cpu.r[13] + i.imm);
}
template <Mode kMode>
void write_back(Cpu& cpu, const Insn& i, std::uint32_t base) {
  if constexpr (kMode == Mode::kPre || kMode == Mode::kPost) cpu.r[i.rn] = base + i.imm;
}

template <Type kType, Mode kMode>
void load(Cpu& cpu, const Insn& i) {
  const std::uint32_t address = address_of<kMode>(cpu, i);
  check_writeback<kMode>(cpu, i);
  constexpr unsigned kSize = size_of(kType);
  std::uint32_t value;
  if constexpr (kMode == Mode::kUnprivileged) {
    if ((address & (kSize - 1)) != 0) {
      value = cpu.load_slow(address, kSize, 0);
    } else {
      value = cpu.load_aligned(address, kSize, 0, false);
    }
  } else {
    value = cpu.load<kSize>(address);
  }
  if constexpr (kType == Type::kSb) value = sign_extend(value, 8);
  if constexpr (kType == Type::kSh) value = static_cast<std::uint32_t>(static_cast<std::int16_t>(value));
  if constexpr (kMode == Mode::kPre || kMode == Mode::kPost) write_back<kMode>(cpu, i, cpu.r[i.rn]);
  cpu.r[i.rd] = value;
}

template <Mode kMode>
void load_pc(Cpu& cpu, const Insn& i) {
  const std::uint32_t address = address_of<kMode>(cpu, i);
  check_writeback<kMode>(cpu, i);
  cpu.require_aligned(address);
  const std::uint32_t value = cpu.load<4>(address);
  write_back<kMode>(cpu, i, cpu.r[i.rn]);
  cpu.now += timing::kLoadToPc.cycles;
  cpu.branch_exchange(value);
}

/// LDR sp: bits 1:0 of sp are always 0.
void load_sp(Cpu& cpu, const Insn& i) {
  i.inner(cpu, i);
  cpu.r[13] &= ~3u;
}

template <Type kType, Mode kMode>
void store(Cpu& cpu, const Insn& i) {
  const std::uint32_t address = address_of<kMode>(cpu, i);
  check_writeback<kMode>(cpu, i);
  constexpr unsigned kSize = size_of(kType);
  const std::uint32_t value = cpu.r[i.rd];
  if constexpr (kMode == Mode::kUnprivileged) {
    if ((address & (kSize - 1)) != 0)
      cpu.store_slow(address, value, kSize, 0);
    else
      cpu.store_aligned(address, value, kSize, 0, false);
  } else {
    cpu.store<kSize>(address, value);
  }
  write_back<kMode>(cpu, i, cpu.r[i.rn]);
}

template <Mode kMode>
Handler load_handler(Type type) {
  switch (type) {
    case Type::kB:
      return load<Type::kB, kMode>;
    case Type::kH:
      return load<Type::kH, kMode>;
    case Type::kW:
      return load<Type::kW, kMode>;
    case Type::kSb:
      return load<Type::kSb, kMode>;
    default:
      return load<Type::kSh, kMode>;
  }
}
template <Mode kMode>
Handler store_handler(Type type) {
  switch (type) {
    case Type::kB:
      return store<Type::kB, kMode>;
    case Type::kH:
      return store<Type::kH, kMode>;
    default:
      return store<Type::kW, kMode>;
  }
}
Handler handler(bool is_load, Type type, Mode mode) {
  switch (mode) {
    case Mode::kOffset:
      return is_load ? load_handler<Mode::kOffset>(type) : store_handler<Mode::kOffset>(type);
    case Mode::kPre:
      return is_load ? load_handler<Mode::kPre>(type) : store_handler<Mode::kPre>(type);
    case Mode::kPost:
      return is_load ? load_handler<Mode::kPost>(type) : store_handler<Mode::kPost>(type);
    case Mode::kRegister:
      return is_load ? load_handler<Mode::kRegister>(type) : store_handler<Mode::kRegister>(type);
    case Mode::kUnprivileged:
      return is_load ? load_handler<Mode::kUnprivileged>(type) : store_handler<Mode::kUnprivileged>(type);
    default:
      return load_handler<Mode::kLiteral>(type);
  }
}
Handler load_pc_handler(Mode mode) {
  switch (mode) {
    case Mode::kOffset:
      return load_pc<Mode::kOffset>;
    case Mode::kPre:
      return load_pc<Mode::kPre>;
    case Mode::kPost:
      return load_pc<Mode::kPost>;
    case Mode::kRegister:
      return load_pc<Mode::kRegister>;
    case Mode::kLiteral:
      return load_pc<Mode::kLiteral>;
    default:
      return unpredictable;
  }
}

/// Fills in the handler and the hazards from rd, rn, rm.
void finish(Insn& i, bool is_load, Type type, Mode mode) {
  if (mode != Mode::kLiteral) i.reads |= hazard::reg(i.rn);
  if (mode == Mode::kRegister) i.reads |= hazard::reg(i.rm);
  i.run = handler(is_load, type, mode);
  if (!is_load) return;  // what is stored is needed late: no wait
  i.late = hazard::reg_by_load(i.rd);
}

/// PLD, PLI: hints without effect here.
void preload(Cpu&, const Insn&) {}

}  // namespace

void decode_load_store_16(Insn& i) {
  const std::uint32_t op = i.opcode;
  i.rd = u8(op & 7);
  i.rn = u8(op >> 3 & 7);
  if ((op & 0xf800) == 0x4800) {
    i.rd = u8(op >> 8 & 7);
    i.imm = ((i.pc + 4) & ~3u) + (op & 0xff) * 4;
    finish(i, true, Type::kW, Mode::kLiteral);
  } else if (op < 0x6000) {
    constexpr Type kTypes[] = {Type::kW, Type::kH, Type::kB, Type::kSb,
                               Type::kW, Type::kH, Type::kB, Type::kSh};
    const unsigned which = op >> 9 & 7;
    i.rm = u8(op >> 6 & 7);
    finish(i, which >= 3, kTypes[which], Mode::kRegister);
  } else if (op < 0x9000) {
    const bool is_load = (op & 0x800) != 0;
    const std::uint32_t imm5 = op >> 6 & 31;
    const Type type = op < 0x7000 ? Type::kW : op < 0x8000 ? Type::kB : Type::kH;
    i.imm = imm5 * size_of(type);
    finish(i, is_load, type, Mode::kOffset);
  } else {
    i.rd = u8(op >> 8 & 7);
    i.rn = 13;
    i.imm = (op & 0xff) * 4;
    finish(i, (op & 0x800) != 0, Type::kW, Mode::kOffset);
  }
}

void decode_load_store_single(Insn& i) {
  // hw1: 1111100 S 1/0 size L rn
  const std::uint32_t op = i.opcode;
  const bool is_load = (op >> 20 & 1) != 0;
  const bool sign = (op >> 24 & 1) != 0;
  const unsigned size = op >> 21 & 3;
  i.rn = u8(rn_of(i));
  i.rd = u8(rt_of(i));
  i.rm = u8(rm_of(i));
  i.run = undefined;
  if (size == 3 || (sign && (size == 2 || !is_load))) return;
  const Type type = size == 2   ? Type::kW
                    : size == 1 ? (sign ? Type::kSh : Type::kH)
                    : sign      ? Type::kSb
                                : Type::kB;
  Mode mode;
  if (i.rn == 15) {
    if (!is_load) return;
    const std::uint32_t imm12 = op & 0xfff;
    const std::uint32_t base = (i.pc + 4) & ~3u;
    i.imm = (op >> 23 & 1) != 0 ? base + imm12 : base - imm12;
    mode = Mode::kLiteral;
  } else if ((op >> 23 & 1) != 0) {
    i.imm = op & 0xfff;
    mode = Mode::kOffset;
  } else if ((op >> 11 & 1) != 0) {
    const bool pre = (op >> 10 & 1) != 0, up = (op >> 9 & 1) != 0, write_back = (op >> 8 & 1) != 0;
    if (!pre && !write_back) return;
    i.imm = up ? op & 0xff : 0u - (op & 0xff);
    if (pre && up && !write_back)
      mode = Mode::kUnprivileged;
    else
      mode = !write_back ? Mode::kOffset : pre ? Mode::kPre : Mode::kPost;
  } else if ((op >> 6 & 0x3f) == 0) {
    i.shift = u8(op >> 4 & 3);
    mode = Mode::kRegister;
    if (i.rm == 13 || i.rm == 15) {
      i.run = unpredictable;
      return;
    }
  } else {
    return;
  }
  const bool writes_back = mode == Mode::kPre || mode == Mode::kPost;
  if (i.rd == 15 && is_load && type != Type::kW && !writes_back && mode != Mode::kUnprivileged) {
    i.run = preload;
    return;
  }
  finish(i, is_load, type, mode);
  if ((writes_back && i.rn == i.rd) || (i.rd == 15 && (!is_load || type != Type::kW)) ||
      (i.rd == 13 && type != Type::kW) || (mode == Mode::kUnprivileged && i.rd == 13)) {
    i.run = unpredictable;
  } else if (i.rd == 15) {
    i.run = load_pc_handler(mode);
    i.late = 0;
  } else if (i.rd == 13 && is_load) {
    i.inner = i.run;
    i.run = load_sp;
  }
}

}  // namespace pico_llama::simulator
