// The two-token q4 matmul in assembly: a weight is unpacked once for both tokens. Its loop needs eight sums,
// both tokens' columns, a word and a row of it, the mask and one pointer: all 14 registers. So a group's
// columns of both tokens wait in the FPU's 32 registers, from which VMOV brings them as fast as a load would.
#pragma once
#include <cstdint>

#include "engine/model/q4_layout.h"

namespace pico_llama::dsp {

static_assert(kQ4Group == 32 && kQ4GroupBytes == 136, "a group of a token is 16 FPU registers");

/// totals[8 t + r] += sum_g code[r][g] * sum_{i in g} w[r][i] * x_t[i] for the 8 rows of a block and two
/// tokens. words: after the block's scale (q4_layout.h). x0, x1: whole groups of the two tokens.
/// SMLAWB keeps the upper 32 of 48 bits, so the product of a sum times 2^12 and a code times 2^4 is exact.
/// Requires: groups >= 1.
/// Cost: 15 cycles per column pair of four rows (16 MACs), 33 per group and four rows, 38 per group for its
/// columns, 85 per call. Measured in a prompt of the 15M shape: 1.03 cycles per MAC.
// r0        words                          r8-r11        sums of token 1, rows 0-3 (then 4-7)
// r1, r3    column pair of x0, x1          r12           0xf000f000
// r2        word of weights                lr            rows of a word
// r4-r7     sums of token 0                s0-s31        x0, x1 of a group
// [sp]      x0, x1, halves left, totals
[[gnu::noipa, gnu::naked]] inline void q4_block_two(const void* /*words*/, const void* /*x0*/,
                                                    const void* /*x1*/, int /*groups*/, int32_t* /*totals*/) {
  // clang-format off
#define PICO_LLAMA_COLUMN_PAIR(ADD, AT, X0, X1, A0, A1, A2, A3, B0, B1, B2, B3) \
      "ldr    r2, [r0, #8 * " #AT "] \n" \
      "vmov   r1, " X0 " \n" \
      "and    lr, r12, r2, lsl #4 \n" \
      "vmov   r3, " X1 " \n" \
      ADD "   r6, lr, r1" A2 " \n" \
      ADD "   r10, lr, r3" B2 " \n" \
      "and    lr, r12, r2 \n" \
      ADD "   r7, lr, r1" A3 " \n" \
      ADD "   r11, lr, r3" B3 " \n" \
      "and    lr, r12, r2, lsl #8 \n" \
      "and    r2, r12, r2, lsl #12 \n" \
      ADD "   r5, lr, r1" A1 " \n" \
      ADD "   r9, lr, r3" B1 " \n" \
      ADD "   r4, r2, r1" A0 " \n" \
      ADD "   r8, r2, r3" B0 " \n"
#define PICO_LLAMA_PAIR(AT, X0, X1) \
      PICO_LLAMA_COLUMN_PAIR("smlad", AT, X0, X1, ", r4", ", r5", ", r6", ", r7", ", r8", ", r9", ", r10", ", r11")
  __asm__(
      "push   {r4-r11, lr} \n"
      "vpush  {s16-s31} \n"
      "ldr    r12, [sp, #100] \n"  // totals
      "lsl    r3, r3, #1 \n"
      "push   {r1, r2, r3, r12} \n"
      "mov    r12, #0xf000f000 \n"
      "1: \n"  // a group
      "ldrd   r1, r2, [sp] \n"
      "vldmia r1!, {s0-s15} \n"
      "vldmia r2!, {s16-s31} \n"
      "strd   r1, r2, [sp] \n"
      "2: \n"  // four rows of it
      PICO_LLAMA_COLUMN_PAIR("smuad", 0, "s0", "s16", "", "", "", "", "", "", "", "")
      PICO_LLAMA_PAIR(1, "s1", "s17") PICO_LLAMA_PAIR(2, "s2", "s18") PICO_LLAMA_PAIR(3, "s3", "s19")
      PICO_LLAMA_PAIR(4, "s4", "s20") PICO_LLAMA_PAIR(5, "s5", "s21") PICO_LLAMA_PAIR(6, "s6", "s22")
      PICO_LLAMA_PAIR(7, "s7", "s23") PICO_LLAMA_PAIR(8, "s8", "s24") PICO_LLAMA_PAIR(9, "s9", "s25")
      PICO_LLAMA_PAIR(10, "s10", "s26") PICO_LLAMA_PAIR(11, "s11", "s27") PICO_LLAMA_PAIR(12, "s12", "s28")
      PICO_LLAMA_PAIR(13, "s13", "s29") PICO_LLAMA_PAIR(14, "s14", "s30") PICO_LLAMA_PAIR(15, "s15", "s31")
      "ldr    r2, [r0, #128] \n"  // the rows' codes
      "ldr    lr, [sp, #12] \n"
      "sxtb16 r1, r2 \n"
      "sxtb16 r3, r2, ror #8 \n"
      "lsls   r1, r1, #4 \n"  // codes of rows 0 and 2, each times 16
      "lsls   r3, r3, #4 \n"  // of 1 and 3
      "bfc    r1, #16, #4 \n"
      "ldrd   r2, r12, [lr] \n"
      "bfc    r3, #16, #4 \n"
      "smlawb r2, r4, r1, r2 \n"
      "smlawb r12, r5, r3, r12 \n"
      "ldrd   r4, r5, [lr, #8] \n"
      "strd   r2, r12, [lr] \n"
      "smlawt r4, r6, r1, r4 \n"
      "smlawt r5, r7, r3, r5 \n"
      "ldrd   r2, r12, [lr, #32] \n"
      "strd   r4, r5, [lr, #8] \n"
      "smlawb r2, r8, r1, r2 \n"
      "smlawb r12, r9, r3, r12 \n"
      "ldrd   r6, r7, [lr, #40] \n"
      "strd   r2, r12, [lr, #32] \n"
      "ldr    r2, [sp, #8] \n"
      "smlawt r6, r10, r1, r6 \n"
      "smlawt r7, r11, r3, r7 \n"
      "mov    r12, #0xf000f000 \n"
      "subs   r2, r2, #1 \n"
      "strd   r6, r7, [lr, #40] \n"
      "beq    4f \n"
      "str    r2, [sp, #8] \n"
      "tst    r2, #1 \n"
      "beq    3f \n"
      "add    lr, lr, #16 \n"
      "str    lr, [sp, #12] \n"
      "add    r0, r0, #4 \n"
      "b      2b \n"
      "3: \n"
      "sub    lr, lr, #16 \n"
      "str    lr, [sp, #12] \n"
      "add    r0, r0, #132 \n"
      "b      1b \n"
      "4: \n"
      "add    sp, sp, #16 \n"
      "vpop   {s16-s31} \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_PAIR
#undef PICO_LLAMA_COLUMN_PAIR
  // clang-format on
}

}  // namespace pico_llama::dsp
