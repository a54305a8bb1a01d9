/// MCR, MRC, MCRR, MRRC, CDP and LDC, STC: access checks (CPACR), and the way to CP0, CP4, CP5, CP7.
#include <fmt/format.h>

#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

/// rd, ra: Rt and Rt2; rn, rm: CRn, CRm; imm: opc1 | opc2 << 4 | coprocessor << 8; shift: CRd.
Coprocessor& coprocessor(Core& core, const Insn& i) {
  const unsigned number = i.imm >> 8;
  const unsigned access = number < 8 ? core.scs.cpacr >> (2 * number) & 3 : 0;
  if (!(access == 3 || (access == 1 && core.privileged()))) throw usage_fault(cfsr::kNocp);
  if (!core.secure) {
    if ((core.scs.nsacr >> number & 1) == 0) throw usage_fault(cfsr::kNocp);
    if (number == 4) return core.dcp_nonsecure;
    if (number != 7)
      stop_at(core, fmt::format("coprocessor {} in Non-secure state: this view is not modelled", number));
  }
  if (core.coprocessors[number] == nullptr)
    stop_at(core, fmt::format("coprocessor {}: this RP2350 model has none there", number));
  return *core.coprocessors[number];
}

Coprocessor::Op op_of(const Core& core, const Insn& i) {
  return {.opc1 = i.imm & 15,
          .opc2 = i.imm >> 4 & 15,
          .crn = i.rn,
          .crm = i.rm,
          .crd = i.shift,
          .second_form = (i.opcode >> 28 & 1) != 0,
          .now = core.clock};
}

void exists(bool answered) {
  if (!answered) throw usage_fault(cfsr::kUndefinstr);
}

void mcr(Core& core, const Insn& i) { exists(coprocessor(core, i).mcr(op_of(core, i), core.r[i.rd])); }

void mrc(Core& core, const Insn& i) {
  std::uint32_t value = 0;
  exists(coprocessor(core, i).mrc(op_of(core, i), value));
  if (i.rd == 15)
    core.set_nzcv(value);
  else
    core.r[i.rd] = value;
}

void mcrr(Core& core, const Insn& i) {
  exists(coprocessor(core, i).mcrr(op_of(core, i), core.r[i.rd], core.r[i.ra]));
}

void mrrc(Core& core, const Insn& i) {
  std::uint32_t low = 0, high = 0;
  exists(coprocessor(core, i).mrrc(op_of(core, i), low, high));
  core.r[i.rd] = low;
  core.r[i.ra] = high;
}

void cdp(Core& core, const Insn& i) { exists(coprocessor(core, i).cdp(op_of(core, i))); }

/// LDC, STC: no coprocessor of RP2350 has them.
void load_store(Core& core, const Insn& i) {
  coprocessor(core, i);
  throw usage_fault(cfsr::kUndefinstr);
}

}  // namespace

void decode_coprocessor(Insn& i) {
  const std::uint32_t op = i.opcode;
  const unsigned number = op >> 8 & 15;
  if (number == 10 || number == 11) return decode_fpu(i);
  if ((op >> 24 & 3) == 3) {  // the space of MVE and SVC
    i.run = undefined;
    return;
  }
  i.rn = u8(rn_of(i));
  i.rm = u8(rm_of(i));
  i.rd = u8(rt_of(i));
  if (number >= 8) {
    i.run = [](Core&, const Insn&) { throw usage_fault(cfsr::kNocp); };
    return;
  }
  const unsigned top = op >> 20 & 0x3f;
  if (top == 4 || top == 5) {
    i.ra = u8(rn_of(i));
    i.imm = (op >> 4 & 15) | number << 8;
    i.rn = 0;
    i.run = top == 4 ? mcrr : mrrc;
    if (i.rd == 13 || i.rd == 15 || i.ra == 13 || i.ra == 15 || (top == 5 && i.rd == i.ra))
      i.run = unpredictable;
    if (top == 4)
      i.reads = hazard::reg(i.rd) | hazard::reg(i.ra);
    else
      i.late = 0;
    return;
  }
  if ((top & 0x20) == 0) {
    i.imm = number << 8;
    i.run = top < 2 ? undefined : load_store;
    return;
  }
  i.shift = i.rd;
  if ((op & 16) == 0) {
    i.imm = (op >> 20 & 15) | (op >> 5 & 7) << 4 | number << 8;
    i.run = cdp;
    return;
  }
  i.imm = (op >> 21 & 7) | (op >> 5 & 7) << 4 | number << 8;
  const bool to_core = (op >> 20 & 1) != 0;
  i.run = to_core ? mrc : mcr;
  if (i.rd == 13 || (i.rd == 15 && !to_core)) i.run = unpredictable;
  if (!to_core) i.reads = hazard::reg(i.rd);
}

}  // namespace pico_llama::simulator
