/// LDM, STM, PUSH, POP.
#include <bit>

#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

/// imm: register list; shift: how many; ra bit 0: writes back; ra bit 1: decrements before.
std::uint32_t first_address(const Cpu& cpu, const Insn& i) {
  return (i.ra & 2) != 0 ? cpu.r[i.rn] - 4u * i.shift : cpu.r[i.rn];
}
std::uint32_t last_base(const Cpu& cpu, const Insn& i) {
  return (i.ra & 2) != 0 ? cpu.r[i.rn] - 4u * i.shift : cpu.r[i.rn] + 4u * i.shift;
}

void load_multiple(Cpu& cpu, const Insn& i) {
  std::uint32_t address = first_address(cpu, i);
  const std::uint32_t base = last_base(cpu, i);
  cpu.require_aligned(address);
  if (i.rn == 13 && (i.ra & 1) != 0) cpu.check_stack(base);
  // All loads before any register changes: a fault leaves the instruction to be started again.
  std::uint32_t values[16];
  unsigned beat = 0;
  for (std::uint32_t list = i.imm; list != 0; list &= list - 1) {
    values[beat] = cpu.load<4>(address, beat);
    address += 4;
    ++beat;
  }
  if ((i.ra & 1) != 0) cpu.r[i.rn] = base;
  beat = 0;
  for (std::uint32_t list = i.imm & 0x7fff; list != 0; list &= list - 1)
    cpu.r[std::countr_zero(list)] = values[beat++];
  if ((i.imm & 0x8000) != 0) {
    cpu.now += timing::kLoadToPc.cycles;
    cpu.branch_exchange(values[beat]);
  }
}

void store_multiple(Cpu& cpu, const Insn& i) {
  std::uint32_t address = first_address(cpu, i);
  const std::uint32_t base = last_base(cpu, i);
  cpu.require_aligned(address);
  if (i.rn == 13 && (i.ra & 1) != 0) cpu.check_stack(base);
  unsigned beat = 0;
  for (std::uint32_t list = i.imm; list != 0; list &= list - 1) {
    cpu.store<4>(address, cpu.r[std::countr_zero(list)], beat++);
    address += 4;
  }
  if ((i.ra & 1) != 0) cpu.r[i.rn] = base;
}

void finish(Insn& i, bool is_load, unsigned rn, std::uint32_t list, bool write_back, bool decrement) {
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
  finish(i, is_pop, 13, list, true, !is_pop);
  if (list == 0) i.run = unpredictable;
  if ((list & 0x8000) != 0) i.gives = pairing::kNone;
}

void decode_load_store_multiple(Insn& i) {
  if (!i.wide()) {  // LDMIA, STMIA of low registers
    const bool is_load = (i.opcode & 0x800) != 0;
    const unsigned rn = i.opcode >> 8 & 7;
    const std::uint32_t list = i.opcode & 0xff;
    const bool write_back = !is_load || (list >> rn & 1) == 0;
    finish(i, is_load, rn, list, write_back, false);
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
    // CLRM: stores of registers in the list; Armv8.1-M only.
    return;
  }
  finish(i, is_load, rn, list, write_back, direction == 2);
  const bool bad_list = std::popcount(list) < 2 || (list & 0x2000) != 0 ||
                        (!is_load && (list & 0x8000) != 0) || (is_load && (list & 0xc000) == 0xc000);
  if (rn == 15 || bad_list || (write_back && (list >> rn & 1) != 0)) i.run = unpredictable;
}

}  // namespace pico_llama::simulator
