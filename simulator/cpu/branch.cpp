/// Branches, IT, CBZ. Addresses of direct branches are computed when decoded.
#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

void b(Core& core, const Insn& i) { core.branch(i.imm); }

template <unsigned kCond>
void b_conditional(Core& core, const Insn& i) {
  bool taken = false;
  if constexpr (kCond >> 1 == 0) taken = core.z == 0;
  if constexpr (kCond >> 1 == 1) taken = core.c != 0;
  if constexpr (kCond >> 1 == 2) taken = (core.n >> 31) != 0;
  if constexpr (kCond >> 1 == 3) taken = core.v != 0;
  if constexpr (kCond >> 1 == 4) taken = core.c != 0 && core.z != 0;
  if constexpr (kCond >> 1 == 5) taken = (core.n >> 31) == core.v;
  if constexpr (kCond >> 1 == 6) taken = core.z != 0 && (core.n >> 31) == core.v;
  if ((kCond & 1) != 0) taken = !taken;
  if (taken) core.branch(i.imm);
}

Handler conditional_handler(unsigned cond) {
  constexpr Handler kOf[] = {b_conditional<0>,  b_conditional<1>, b_conditional<2>,  b_conditional<3>,
                             b_conditional<4>,  b_conditional<5>, b_conditional<6>,  b_conditional<7>,
                             b_conditional<8>,  b_conditional<9>, b_conditional<10>, b_conditional<11>,
                             b_conditional<12>, b_conditional<13>};
  return kOf[cond];
}

void bl(Core& core, const Insn& i) {
  core.r[14] = (i.pc + 4) | 1;
  core.branch(i.imm);
}
void bx(Core& core, const Insn& i) { core.branch_exchange(core.r[i.rm]); }
void blx(Core& core, const Insn& i) {
  const std::uint32_t target = core.r[i.rm];
  core.r[14] = (i.pc + 2) | 1;
  core.branch_to_state(target);
}
template <bool kLink>
void branch_nonsecure(Core& core, const Insn& i) {
  core.branch_to_nonsecure(core.r[i.rm], kLink);
}

template <bool kNonzero>
void compare_branch(Core& core, const Insn& i) {
  if ((core.r[i.rn] != 0) == kNonzero) core.branch(i.imm);
}

void it_block(Core& core, const Insn& i) {
  core.it = u8(i.imm);
  core.leave_sequence();
}

}  // namespace

void decode_branch_16(Insn& i) {
  const std::uint32_t op = i.opcode;
  const std::uint32_t pc = i.pc + 4;
  i.pair_older = pairing::kNone;
  if ((op & 0xff00) == 0x4700) {
    i.rm = u8(op >> 3 & 15);
    i.reads = hazard::reg(i.rm);
    const bool link = (op & 0x80) != 0;
    const bool nonsecure = (op & 4) != 0;
    i.pair_younger = pairing::kAny;
    i.branches_to_register = true;
    if ((op & 3) != 0 || (!nonsecure && (i.rm == 15 || (link && i.rm == 13))))
      i.run = unpredictable;
    else if (nonsecure)
      i.run = link ? branch_nonsecure<true> : branch_nonsecure<false>;
    else
      i.run = link ? blx : bx;
    return;
  }
  i.pair_younger = pairing::kAny;
  if ((op & 0xf000) == 0xb000) {
    if ((op & 0xff00) == 0xbf00) {
      const unsigned mask = op & 15, cond = op >> 4 & 15;
      const bool one = (mask & (mask - 1)) == 0;
      i.imm = op & 0xff;
      i.run = cond == 15 || (cond == 14 && !one) ? unpredictable : it_block;
      i.pair_older = pairing::kPlain;
      return;
    }
    i.rn = u8(op & 7);
    i.reads = hazard::reg(i.rn);
    i.imm = pc + ((op >> 3 & 31) << 1) + ((op & 0x200) != 0 ? 64u : 0);
    i.run = (op & 0x800) != 0 ? compare_branch<true> : compare_branch<false>;
  } else if (op < 0xe000) {
    i.imm = pc + sign_extend(op & 0xff, 8) * 2;
    i.reads = hazard::kFlags;
    i.run = conditional_handler(op >> 8 & 15);
  } else {
    i.imm = pc + sign_extend(op & 0x7ff, 11) * 2;
    i.run = b;
  }
}

void decode_branch_32(Insn& i) {
  const std::uint32_t op = i.opcode;
  const std::uint32_t s = op >> 26 & 1, j1 = op >> 13 & 1, j2 = op >> 11 & 1;
  const std::uint32_t imm11 = op & 0x7ff;
  if ((op & 0x5000) == 0) {  // B<c>.W
    const std::uint32_t imm6 = op >> 16 & 63;
    const std::uint32_t offset = s << 20 | j2 << 19 | j1 << 18 | imm6 << 12 | imm11 << 1;
    i.imm = i.pc + 4 + sign_extend(offset, 21);
    i.reads = hazard::kFlags;
    i.run = conditional_handler(op >> 22 & 15);
    return;
  }
  const std::uint32_t i1 = 1 ^ j1 ^ s, i2 = 1 ^ j2 ^ s;
  const std::uint32_t offset = s << 24 | i1 << 23 | i2 << 22 | (op >> 16 & 0x3ff) << 12 | imm11 << 1;
  i.imm = i.pc + 4 + sign_extend(offset, 25);
  // BLX (immediate) switches to Arm state, which the M profile lacks.
  i.run = (op & 0x4000) == 0 ? b : (op & 0x1000) != 0 ? bl : undefined;
}

}  // namespace pico_llama::simulator
