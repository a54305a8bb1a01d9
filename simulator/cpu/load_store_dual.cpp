/// LDRD and STRD, exclusive and acquire/release accesses, table branches, TT.
///
/// The exclusive monitors: a core holds at most one reservation. RP2350's global monitor (datasheet section
/// 2.1.6) clears it when anyone writes the reserved word. Here the bus reports writes by granules of 128
/// bytes (Bus::code_map), and the reservation stands while the word keeps its value: a write of the same
/// value by the other core goes unnoticed, which no program can tell from that write having come before the
/// LDREX.
#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

// --- LDRD, STRD: rd and ra are Rt and Rt2; shift bit 0: writes back, bit 1: before the access --------------

template <bool kLoad>
void dual(Cpu& cpu, const Insn& i) {
  const std::uint32_t base = i.rn == 15 ? (i.pc + 4) & ~3u : cpu.r[i.rn];
  const std::uint32_t moved = base + i.imm;
  const std::uint32_t address = (i.shift & 2) != 0 ? moved : base;
  if (i.rn == 13 && (i.shift & 1) != 0) cpu.check_stack(moved);
  cpu.require_aligned(address);
  if constexpr (kLoad) {
    const std::uint32_t first = cpu.load<4>(address);
    const std::uint32_t second = cpu.load<4>(address + 4, 1);
    if ((i.shift & 1) != 0) cpu.r[i.rn] = moved;
    cpu.r[i.rd] = first;
    cpu.r[i.ra] = second;
  } else {
    cpu.store<4>(address, cpu.r[i.rd]);
    cpu.store<4>(address + 4, cpu.r[i.ra], 1);
    if ((i.shift & 1) != 0) cpu.r[i.rn] = moved;
  }
}

// --- exclusives --------------------------------------------------------------------------------------------

void reserve(Cpu& cpu, std::uint32_t address, std::uint32_t size, std::uint32_t value) {
  cpu.reserved = true;
  cpu.reserved_address = address;
  cpu.reserved_size = size;
  cpu.reserved_value = value;
  const std::uint32_t offset = address - Bus::kSramBase;
  if (offset < Bus::kSramSize)
    cpu.bus.code_map()[offset >> Bus::kCodeGranuleBits] |= static_cast<std::uint8_t>(1u << cpu.number);
}

template <unsigned kSize, bool kExclusive>
void load_special(Cpu& cpu, const Insn& i) {
  const std::uint32_t address = cpu.r[i.rn] + i.imm;
  cpu.require_aligned(address, kSize);
  const std::uint32_t value = cpu.load<kSize>(address);
  if constexpr (kExclusive) reserve(cpu, address, kSize, value);
  cpu.r[i.rd] = value;
}

/// rm: the register of the status.
template <unsigned kSize>
void store_exclusive(Cpu& cpu, const Insn& i) {
  const std::uint32_t address = cpu.r[i.rn] + i.imm;
  cpu.require_aligned(address, kSize);
  const bool pass = cpu.reserved && cpu.reserved_address == address && cpu.reserved_size == kSize;
  cpu.reserved = false;
  if (pass) cpu.store<kSize>(address, cpu.r[i.rd]);
  cpu.r[i.rm] = pass ? 0 : 1;
}

template <unsigned kSize>
void store_release(Cpu& cpu, const Insn& i) {
  const std::uint32_t address = cpu.r[i.rn];
  cpu.require_aligned(address, kSize);
  cpu.store<kSize>(address, cpu.r[i.rd]);
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

// --- TBB, TBH
// ------------------------------------------------------------------------------------------------

template <unsigned kSize>
void table_branch(Cpu& cpu, const Insn& i) {
  const std::uint32_t base = i.rn == 15 ? i.pc + 4 : cpu.r[i.rn];
  const std::uint32_t entry = cpu.load<kSize>(base + cpu.r[i.rm] * kSize);
  cpu.now += timing::kLoadToPc.cycles;
  cpu.branch(i.pc + 4 + 2 * entry);
}

/// TT, TTT, TTA, TTAT: what Secure software sees with the SAU off: everything is Secure, readable and
/// writeable as the MPU says.
void test_target(Cpu& cpu, const Insn& i) {
  const std::uint32_t address = cpu.r[i.rn];
  const bool privileged = (i.shift & 1) == 0 && cpu.privileged();
  std::uint32_t result = 1u << 22;  // S
  const int region = cpu.mpu.enabled() ? cpu.mpu.region_of(address) : -1;
  if (region >= 0) result |= 1u << 16 | static_cast<std::uint32_t>(region);
  const bool below_zero = cpu.execution_priority() < 0;
  if (cpu.mpu.allows(address, Mpu::Use::kRead, privileged, below_zero)) result |= 1u << 18;
  if (cpu.mpu.allows(address, Mpu::Use::kWrite, privileged, below_zero)) result |= 1u << 19;
  cpu.r[i.rd] = result;
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
  // SG is 0xe97fe97f: a NOP where everything is Secure.
  if (i.opcode == 0xe97f'e97f) {
    i.run = [](Cpu&, const Insn&) {};
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
}

}  // namespace pico_llama::simulator
