/// Loads and stores: one register, several (LDM, STM, PUSH, POP), two (LDRD, STRD), exclusive and
/// acquire/release ones; table branches and TT, which share their encodings.
///
/// Exclusive monitors: a core holds at most one reservation. RP2350's global monitor (datasheet section
/// 2.1.6) clears it when anyone writes the reserved word. Here the bus reports writes per 128-byte granule
/// (Bus::code_map), and the reservation holds while the word keeps its value. A write of the same value goes
/// unnoticed; no program can distinguish that from a write before the LDREX.
#include <bit>

#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {

namespace {

// --- one register ------------------------------------------------------------------------------------------

enum class Type : unsigned { kB, kH, kW, kSb, kSh };
enum class Mode : unsigned { kOffset, kPre, kPost, kRegister, kLiteral, kUnprivileged };

constexpr unsigned size_of(Type type) {
  return type == Type::kW ? 4 : type == Type::kH || type == Type::kSh ? 2 : 1;
}

template <Mode kMode>
std::uint32_t address_of(const Core& core, const Insn& i) {
  if constexpr (kMode == Mode::kLiteral) return i.imm;
  if constexpr (kMode == Mode::kRegister) return core.r[i.rn] + (core.r[i.rm] << i.shift);
  if constexpr (kMode == Mode::kPost) return core.r[i.rn];
  return core.r[i.rn] + i.imm;
}

/// Checked before the access, so that a stack overflow prevents it.
template <Mode kMode>
void check_writeback(Core& core, const Insn& i) {
  if constexpr (kMode == Mode::kPre || kMode == Mode::kPost)
    if (i.rn == 13) [[unlikely]]
      core.check_stack(core.r[13] + i.imm);
}
template <Mode kMode>
void write_back(Core& core, const Insn& i, std::uint32_t base) {
  if constexpr (kMode == Mode::kPre || kMode == Mode::kPost) core.r[i.rn] = base + i.imm;
}

template <Type kType, Mode kMode>
void load(Core& core, const Insn& i) {
  const std::uint32_t address = address_of<kMode>(core, i);
  check_writeback<kMode>(core, i);
  constexpr unsigned kSize = size_of(kType);
  std::uint32_t value;
  if constexpr (kMode == Mode::kUnprivileged) {
    if ((address & (kSize - 1)) != 0) {
      value = core.load_slow(address, kSize, 0);
    } else {
      value = core.load_aligned(address, kSize, 0, false);
    }
  } else {
    value = core.load<kSize>(address);
  }
  if constexpr (kType == Type::kSb) value = sign_extend(value, 8);
  if constexpr (kType == Type::kSh) value = static_cast<std::uint32_t>(static_cast<std::int16_t>(value));
  if constexpr (kMode == Mode::kPre || kMode == Mode::kPost) write_back<kMode>(core, i, core.r[i.rn]);
  core.r[i.rd] = value;
}

template <Mode kMode>
void load_pc(Core& core, const Insn& i) {
  const std::uint32_t address = address_of<kMode>(core, i);
  check_writeback<kMode>(core, i);
  core.require_aligned(address);
  const std::uint32_t value = core.load<4>(address);
  write_back<kMode>(core, i, core.r[i.rn]);
  core.clock += timing::kLoadToPc.cycles;
  core.branch_exchange(value);
}

/// LDR sp: bits 1:0 of sp are always 0.
void load_sp(Core& core, const Insn& i) {
  i.inner(core, i);
  core.r[13] &= ~3u;
}

template <Type kType, Mode kMode>
void store(Core& core, const Insn& i) {
  const std::uint32_t address = address_of<kMode>(core, i);
  check_writeback<kMode>(core, i);
  constexpr unsigned kSize = size_of(kType);
  const std::uint32_t value = core.r[i.rd];
  if constexpr (kMode == Mode::kUnprivileged) {
    if ((address & (kSize - 1)) != 0)
      core.store_slow(address, value, kSize, 0);
    else
      core.store_aligned(address, value, kSize, 0, false);
  } else {
    core.store<kSize>(address, value);
  }
  write_back<kMode>(core, i, core.r[i.rn]);
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
void finish_single(Insn& i, bool is_load, Type type, Mode mode) {
  if (mode != Mode::kLiteral) i.reads |= hazard::reg(i.rn);
  if (mode == Mode::kRegister) i.reads |= hazard::reg(i.rm);
  i.run = handler(is_load, type, mode);
  if (!is_load) return;  // the stored value is read late in the pipeline: no stall
  i.late = hazard::reg_by_load(i.rd);
}

/// PLD, PLI: hints without effect here.
void preload(Core&, const Insn&) {}

}  // namespace

void decode_load_store_16(Insn& i) {
  const std::uint32_t op = i.opcode;
  i.rd = u8(op & 7);
  i.rn = u8(op >> 3 & 7);
  if ((op & 0xf800) == 0x4800) {
    i.rd = u8(op >> 8 & 7);
    i.imm = ((i.pc + 4) & ~3u) + (op & 0xff) * 4;
    finish_single(i, true, Type::kW, Mode::kLiteral);
  } else if (op < 0x6000) {
    constexpr Type kTypes[] = {Type::kW, Type::kH, Type::kB, Type::kSb,
                               Type::kW, Type::kH, Type::kB, Type::kSh};
    const unsigned which = op >> 9 & 7;
    i.rm = u8(op >> 6 & 7);
    finish_single(i, which >= 3, kTypes[which], Mode::kRegister);
  } else if (op < 0x9000) {
    const bool is_load = (op & 0x800) != 0;
    const std::uint32_t imm5 = op >> 6 & 31;
    const Type type = op < 0x7000 ? Type::kW : op < 0x8000 ? Type::kB : Type::kH;
    i.imm = imm5 * size_of(type);
    finish_single(i, is_load, type, Mode::kOffset);
  } else {
    i.rd = u8(op >> 8 & 7);
    i.rn = 13;
    i.imm = (op & 0xff) * 4;
    finish_single(i, (op & 0x800) != 0, Type::kW, Mode::kOffset);
  }
  if (i.run == load<Type::kW, Mode::kOffset>) i.inlined = Inlined::kLoadWord;
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
  finish_single(i, is_load, type, mode);
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
  if (i.run == load<Type::kW, Mode::kOffset>) i.inlined = Inlined::kLoadWord;
}

namespace {

// --- several: LDM, STM, PUSH, POP --------------------------------------------------------------------------

/// imm: register list; shift: how many; ra bit 0: writes back; ra bit 1: decrements before.
std::uint32_t first_address(const Core& core, const Insn& i) {
  return (i.ra & 2) != 0 ? core.r[i.rn] - 4u * i.shift : core.r[i.rn];
}
std::uint32_t last_base(const Core& core, const Insn& i) {
  return (i.ra & 2) != 0 ? core.r[i.rn] - 4u * i.shift : core.r[i.rn] + 4u * i.shift;
}

void load_multiple(Core& core, const Insn& i) {
  std::uint32_t address = first_address(core, i);
  const std::uint32_t base = last_base(core, i);
  core.require_aligned(address);
  if (i.rn == 13 && (i.ra & 1) != 0) core.check_stack(base);
  // All loads precede register writes, so that a faulting instruction can be restarted.
  std::uint32_t values[16];
  unsigned beat = 0;
  for (std::uint32_t list = i.imm; list != 0; list &= list - 1) {
    values[beat] = core.load<4>(address, beat);
    address += 4;
    ++beat;
  }
  if ((i.ra & 1) != 0) core.r[i.rn] = base;
  beat = 0;
  for (std::uint32_t list = i.imm & 0x7fff; list != 0; list &= list - 1)
    core.r[std::countr_zero(list)] = values[beat++];
  if ((i.imm & 0x8000) != 0) {
    core.clock += timing::kLoadToPc.cycles;
    core.branch_exchange(values[beat]);
  }
}

void store_multiple(Core& core, const Insn& i) {
  std::uint32_t address = first_address(core, i);
  const std::uint32_t base = last_base(core, i);
  core.require_aligned(address);
  if (i.rn == 13 && (i.ra & 1) != 0) core.check_stack(base);
  unsigned beat = 0;
  for (std::uint32_t list = i.imm; list != 0; list &= list - 1) {
    core.store<4>(address, core.r[std::countr_zero(list)], beat++);
    address += 4;
  }
  if ((i.ra & 1) != 0) core.r[i.rn] = base;
}

void finish_multiple(Insn& i, bool is_load, unsigned rn, std::uint32_t list, bool write_back,
                     bool decrement) {
  i.rn = u8(rn);
  i.imm = list;
  i.shift = u8(static_cast<std::uint32_t>(std::popcount(list)));
  i.ra = u8((write_back ? 1u : 0) | (decrement ? 2u : 0));
  i.run = is_load ? load_multiple : store_multiple;
  i.cycles = u8(i.shift * timing::kBlockTransferPerRegister.cycles);
  i.reads = hazard::reg(rn);
  if (is_load && (list & 0x8000) == 0 && list != 0)
    i.late = hazard::reg_by_load(31 - static_cast<unsigned>(std::countl_zero(list)));
}

}  // namespace

void decode_push_pop(Insn& i) {
  const bool is_pop = (i.opcode & 0x800) != 0;
  std::uint32_t list = i.opcode & 0xff;
  if ((i.opcode & 0x100) != 0) list |= is_pop ? 0x8000u : 0x4000u;
  finish_multiple(i, is_pop, 13, list, true, !is_pop);
  if (list == 0) i.run = unpredictable;
  if ((list & 0x8000) != 0) i.pair_older = pairing::kNone;
}

void decode_load_store_multiple(Insn& i) {
  if (!i.wide()) {  // LDMIA, STMIA of low registers
    const bool is_load = (i.opcode & 0x800) != 0;
    const unsigned rn = i.opcode >> 8 & 7;
    const std::uint32_t list = i.opcode & 0xff;
    const bool write_back = !is_load || (list >> rn & 1) == 0;
    finish_multiple(i, is_load, rn, list, write_back, false);
    // STM with the base in the list, but not lowest, stores an UNKNOWN value.
    if (list == 0 || (!is_load && (list >> rn & 1) != 0 && (list & ((1u << rn) - 1)) != 0))
      i.run = unpredictable;
    return;
  }
  const bool is_load = (i.opcode >> 20 & 1) != 0;
  const bool write_back = (i.opcode >> 21 & 1) != 0;
  const unsigned direction = i.opcode >> 23 & 3;
  const unsigned rn = rn_of(i);
  const std::uint32_t list = i.opcode & 0xffff;
  if (direction == 0 || direction == 3) {
    i.run = undefined;
    return;
  }
  finish_multiple(i, is_load, rn, list, write_back, direction == 2);
  const bool bad_list = std::popcount(list) < 2 || (list & 0x2000) != 0 ||
                        (!is_load && (list & 0x8000) != 0) || (is_load && (list & 0xc000) == 0xc000);
  if (rn == 15 || bad_list || (write_back && (list >> rn & 1) != 0)) i.run = unpredictable;
}

namespace {

// --- LDRD, STRD --------------------------------------------------------------------------------------------

/// rd and ra are Rt and Rt2; shift bit 0: writes back, bit 1: before the access

template <bool kLoad>
void dual(Core& core, const Insn& i) {
  const std::uint32_t base = i.rn == 15 ? (i.pc + 4) & ~3u : core.r[i.rn];
  const std::uint32_t moved = base + i.imm;
  const std::uint32_t address = (i.shift & 2) != 0 ? moved : base;
  if (i.rn == 13 && (i.shift & 1) != 0) core.check_stack(moved);
  core.require_aligned(address);
  if constexpr (kLoad) {
    const std::uint32_t first = core.load<4>(address);
    const std::uint32_t second = core.load<4>(address + 4, 1);
    if ((i.shift & 1) != 0) core.r[i.rn] = moved;
    core.r[i.rd] = first;
    core.r[i.ra] = second;
  } else {
    core.store<4>(address, core.r[i.rd]);
    core.store<4>(address + 4, core.r[i.ra], 1);
    if ((i.shift & 1) != 0) core.r[i.rn] = moved;
  }
}

// --- exclusives --------------------------------------------------------------------------------------------

void reserve(Core& core, std::uint32_t address, std::uint32_t size, std::uint32_t value) {
  core.reserved = true;
  core.reserved_address = address;
  core.reserved_size = size;
  core.reserved_value = value;
  const std::uint32_t offset = address - Bus::kSramBase;
  if (offset < Bus::kSramSize)
    core.bus.code_map()[offset >> Bus::kCodeGranuleBits] |= static_cast<std::uint8_t>(1u << core.number);
}

template <unsigned kSize, bool kExclusive>
void load_special(Core& core, const Insn& i) {
  const std::uint32_t address = core.r[i.rn] + i.imm;
  core.require_aligned(address, kSize);
  const std::uint32_t value = core.load<kSize>(address);
  if constexpr (kExclusive) reserve(core, address, kSize, value);
  core.r[i.rd] = value;
}

/// rm: the register of the status.
template <unsigned kSize>
void store_exclusive(Core& core, const Insn& i) {
  const std::uint32_t address = core.r[i.rn] + i.imm;
  core.require_aligned(address, kSize);
  const bool pass = core.reserved && core.reserved_address == address && core.reserved_size == kSize;
  core.reserved = false;
  if (pass) core.store<kSize>(address, core.r[i.rd]);
  core.r[i.rm] = pass ? 0 : 1;
}

template <unsigned kSize>
void store_release(Core& core, const Insn& i) {
  const std::uint32_t address = core.r[i.rn];
  core.require_aligned(address, kSize);
  core.store<kSize>(address, core.r[i.rd]);
}

void decode_exclusive(Insn& i) {
  // hw1: 1110 1000 110 L rn; hw2: rt rd op imm
  const bool is_load = (i.opcode >> 20 & 1) != 0;
  const unsigned op = i.opcode >> 4 & 15;
  i.run = undefined;
  i.rm = u8(rm_of(i));  // status
  i.imm = 0;
  switch (op) {
    case 4:
      i.run = is_load ? load_special<1, true> : store_exclusive<1>;
      break;  // LDREXB
    case 5:
      i.run = is_load ? load_special<2, true> : store_exclusive<2>;
      break;  // LDREXH
    case 8:
      i.run = is_load ? load_special<1, false> : store_release<1>;
      break;  // LDAB, STLB
    case 9:
      i.run = is_load ? load_special<2, false> : store_release<2>;
      break;  // LDAH, STLH
    case 10:
      i.run = is_load ? load_special<4, false> : store_release<4>;
      break;  // LDA, STL
    case 12:
      i.run = is_load ? load_special<1, true> : store_exclusive<1>;
      break;  // LDAEXB
    case 13:
      i.run = is_load ? load_special<2, true> : store_exclusive<2>;
      break;  // LDAEXH
    case 14:
      i.run = is_load ? load_special<4, true> : store_exclusive<4>;
      break;  // LDAEX
    default:
      return;
  }
}

// --- TBB, TBH, TT ------------------------------------------------------------------------------------------

template <unsigned kSize>
void table_branch(Core& core, const Insn& i) {
  const std::uint32_t base = i.rn == 15 ? i.pc + 4 : core.r[i.rn];
  const std::uint32_t entry = core.load<kSize>(base + core.r[i.rm] * kSize);
  core.clock += timing::kLoadToPc.cycles;
  core.branch(i.pc + 4 + 2 * entry);
}

/// shift bit 0: TTT, TTAT; bit 1: TTA, TTAT, which only Secure state has.
void test_target(Core& core, const Insn& i) {
  const bool alternate = (i.shift & 2) != 0;
  if (alternate && !core.secure) throw usage_fault(cfsr::kUndefinstr);
  core.r[i.rd] = core.test_target(core.r[i.rn], (i.shift & 1) != 0, alternate);
}

}  // namespace

void decode_load_store_dual(Insn& i) {
  const unsigned p = i.opcode >> 24 & 1, u = i.opcode >> 23 & 1, w = i.opcode >> 21 & 1;
  const bool is_load = (i.opcode >> 20 & 1) != 0;
  i.rn = u8(rn_of(i));
  i.rd = u8(rt_of(i));
  i.ra = u8(rd_of(i));
  const std::uint32_t imm8 = (i.opcode & 0xff) * 4;
  if (p == 0 && w == 0) {
    i.reads = hazard::reg(i.rn);
    if (u == 0) {  // LDREX, STREX, TT
      if (is_load) {
        i.run = load_special<4, true>;
        i.imm = imm8;
        i.late = hazard::reg_by_load(i.rd);
        return;
      }
      if (i.rd == 15) {
        i.rd = u8(rd_of(i));
        i.shift = u8(i.opcode >> 6 & 3);
        i.run = i.rn == 15 || i.rd == 13 || i.rd == 15 ? unpredictable : test_target;
        return;
      }
      i.imm = imm8;
      i.rm = u8(rd_of(i));
      i.run = i.rm == i.rn || i.rm == i.rd ? unpredictable : store_exclusive<4>;
      i.late = hazard::reg_by_load(i.rm);
      return;
    }
    const unsigned op = i.opcode >> 4 & 15;
    if (is_load && op < 2) {
      i.rm = u8(rm_of(i));
      i.reads |= hazard::reg(i.rm);
      i.run = op == 0 ? table_branch<1> : table_branch<2>;
      if (i.rm == 13 || i.rm == 15 || (i.opcode & 0xff00) != 0xf000) i.run = unpredictable;
      return;
    }
    decode_exclusive(i);
    if (i.run == undefined) return;
    if (is_load) i.late = hazard::reg_by_load(i.rd);
    const bool has_status = !is_load && (op < 8 || op >= 12);
    const std::uint32_t should_be_one = has_status ? 0xf00 : 0xf0f;
    if (i.rn == 15 || i.rd == 13 || i.rd == 15 || (i.opcode & should_be_one) != should_be_one ||
        (!is_load && (op < 8 || op >= 12) && (i.rm == i.rn || i.rm == i.rd || i.rm == 13 || i.rm == 15)))
      i.run = unpredictable;
    return;
  }
  if (i.opcode == kSecureGateway) {
    i.run = [](Core& core, const Insn&) { core.secure_gateway(); };
    return;
  }
  i.imm = u != 0 ? imm8 : 0u - imm8;
  i.shift = u8(w | p << 1);
  i.reads = hazard::reg(i.rn);
  i.cycles = u8(2 * timing::kBlockTransferPerRegister.cycles);
  i.run = is_load ? dual<true> : dual<false>;
  if (is_load) i.late = hazard::reg_by_load(i.ra);
  const bool bad = i.rd == 13 || i.rd == 15 || i.ra == 13 || i.ra == 15 || (is_load && i.rd == i.ra) ||
                   (w != 0 && (i.rn == 15 || i.rn == i.rd || i.rn == i.ra)) || (!is_load && i.rn == 15);
  if (bad) i.run = unpredictable;
  // Not inlined: the literal form, and base sp, whose write-back is checked against the stack limit.
  if (i.run == dual<true> && i.rn < 13) i.inlined = Inlined::kLoadTwo;
}

}  // namespace pico_llama::simulator
