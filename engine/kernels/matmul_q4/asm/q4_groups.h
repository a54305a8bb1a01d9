// The loops of the q4 matmul in assembly. Three masks of a word give two rows in every half, and so three
// sums that determine those of its four rows (SPEC.md, "Why q4 sums do not overflow"): three SMLAD where four
// rows need four, and no sign to restore. The loops need all registers: GCC would keep sums on the stack.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/kernels/matmul_q4/q4_groups_args.h"
#include "engine/model/q4_layout.h"

namespace pico_llama::dsp {

static_assert(kQ4Group == 32 && kQ4GroupBytes == 136 && kQ4Bias == 8, "the offsets and masks below");
// Which rows the masks find: UXTB16 of the word rotated by 8 rows 0 and 1, AND of the word rotated by 12 rows
// 1 and 3, of the word itself rows 2 and 0.
static_assert(q4_shift(0, 0) == 8 && q4_shift(1, 0) == 12 && q4_shift(2, 0) == 0 && q4_shift(3, 0) == 20);
static_assert(offsetof(Q4Groups, x) == 0 && offsetof(Q4Groups, bias) == 12 &&
              offsetof(Q4Groups, words) == 24 && offsetof(Q4Groups, totals) == 28 &&
              offsetof(Q4Groups, blocks) == 32 && offsetof(Q4Groups, block_bytes) == 36 &&
              offsetof(Q4Groups, total_bytes) == 40 && offsetof(Q4Groups, groups) == 44);

// clang-format off

/// Of the codes in r3: 2^8 times row 0's in its lower half, 2^8 times 1's and 3's in r11, 2's in r10.
#define PICO_LLAMA_CODE_2 "sbfx   r10, r3, #16, #8 \n"
#define PICO_LLAMA_CODES_1_3 "and    r11, r3, #0xff00ff00 \n"
#define PICO_LLAMA_CODE_0 "lsls   r3, r3, #8 \n"
/// Of the sums A B C of four rows: 2^8 times rows 0, 1 and 3 in C, A and B, row 2 in ROW2; they times their codes
/// are added to four totals at [AT + FIRST]. SMLAWB and SMLAWT keep the upper 32 of 48 bits: exact. TOTAL has the
/// first total after LOAD; what is between fills the cycles in which a shifted operand's result is not there yet.
#define PICO_LLAMA_ADD_ROWS(A, B, C, ROW2, TOTAL, AT, FIRST, LOAD, BETWEEN_1, BETWEEN_2, BETWEEN_3, BETWEEN_4) \
      "sub    " ROW2 ", " C ", " A ", lsl #8 \n" \
      LOAD \
      "add    " ROW2 ", " ROW2 ", " B ", lsl #12 \n" \
      BETWEEN_1 \
      "sbfx   " ROW2 ", " ROW2 ", #0, #20 \n" \
      BETWEEN_2 \
      "sub    " C ", " C ", " ROW2 " \n" \
      "sub    " A ", " A ", " C ", asr #8 \n" \
      "smlawb " C ", " C ", r3, " TOTAL " \n" \
      "lsl    " A ", " A ", #4 \n" \
      "ldr    " TOTAL ", [" AT ", #" FIRST " + 4] \n" \
      "sub    " B ", " B ", " A ", asr #8 \n" \
      "smlawb " A ", " A ", r11, " TOTAL " \n" \
      "ldr    " TOTAL ", [" AT ", #" FIRST " + 8] \n" \
      "strd   " C ", " A ", [" AT ", #" FIRST "] \n" \
      "mla    " ROW2 ", " ROW2 ", r10, " TOTAL " \n" \
      "ldr    " TOTAL ", [" AT ", #" FIRST " + 12] \n" \
      BETWEEN_3 \
      "smlawt " B ", " B ", r11, " TOTAL " \n" \
      BETWEEN_4 \
      "strd   " ROW2 ", " B ", [" AT ", #" FIRST " + 8] \n"

/// All pairs of a group but the first, by the PICO_LLAMA_PAIR of two tokens or of three.
#define PICO_LLAMA_NEXT_PAIRS \
      PICO_LLAMA_PAIR(1, "s1", "s17") PICO_LLAMA_PAIR(2, "s2", "s18") PICO_LLAMA_PAIR(3, "s3", "s19") \
      PICO_LLAMA_PAIR(4, "s4", "s20") PICO_LLAMA_PAIR(5, "s5", "s21") PICO_LLAMA_PAIR(6, "s6", "s22") \
      PICO_LLAMA_PAIR(7, "s7", "s23") PICO_LLAMA_PAIR(8, "s8", "s24") PICO_LLAMA_PAIR(9, "s9", "s25") \
      PICO_LLAMA_PAIR(10, "s10", "s26") PICO_LLAMA_PAIR(11, "s11", "s27") PICO_LLAMA_PAIR(12, "s12", "s28") \
      PICO_LLAMA_PAIR(13, "s13", "s29") PICO_LLAMA_PAIR(14, "s14", "s30") PICO_LLAMA_PAIR(15, "s15", "s31")

/// totals[t][r] += sum_g code[r][g] * sum_{i in g} w[r][i] * x_t[i] for two tokens. A group's columns wait in the FPU's
/// registers, from which VMOV is as fast as a load, for the upper rows of all blocks and then for the lower ones.
/// Cost: 12 cycles per column pair of four rows (16 MACs), 54 per four rows and group, 75 per group, 90 per call.
// r0        words                         r10, r11  two rows of a word
// r1, r2    column pair of x, x_two       r12       0x0f0f0f0f
// r3        word, then two rows of it     lr        totals
// r4-r6     A, B, C of the first token    s0-s31    x, x_two
// r7-r9     of the second                 [sp]      where A and B begin, of both; end of totals, block_bytes,
//                                                   total_bytes, 1 for upper rows, groups
[[gnu::noipa, gnu::naked]] inline void q4_groups_two(Q4Groups& /*groups*/) {
#define PICO_LLAMA_PAIR_FROM(AT, X, X_TWO, C, C_TWO) \
      "ldr    r3, [r0, #8 * " #AT "] \n" \
      "vmov   r1, " X " \n" \
      "uxtb16 r10, r3, ror #8 \n" \
      "and    r11, r12, r3, ror #12 \n" \
      "smlad  r4, r10, r1, r4 \n" \
      "and    r3, r12, r3 \n" \
      "vmov   r2, " X_TWO " \n" \
      "smlad  r6, r3, r1, " C " \n" \
      "smlad  r5, r11, r1, r5 \n" \
      "smlad  r7, r10, r2, r7 \n" \
      "smlad  r9, r3, r2, " C_TWO " \n" \
      "smlad  r8, r11, r2, r8 \n"
#define PICO_LLAMA_PAIR(AT, X, X_TWO) PICO_LLAMA_PAIR_FROM(AT, X, X_TWO, "r6", "r9")
  __asm__(
      "push   {r4-r11, lr} \n"
      "vpush  {s16-s31} \n"
      "ldrd   r9, r10, [r0, #36] \n"
      "push   {r0} \n"
      "push   {r4-r11} \n"
      "3: \n"  // a group
      "ldr    r12, [sp, #32] \n"
      "ldrd   r1, r2, [r12] \n"
      "ldrd   r3, r6, [r12, #12] \n"
      "vldmia r1!, {s0-s15} \n"
      "vldmia r2!, {s16-s31} \n"
      "ldr    r4, [r3], #4 \n"
      "ldr    r7, [r6], #4 \n"
      "strd   r1, r2, [r12] \n"
      "add    r5, r4, r4, lsl #8 \n"
      "add    r8, r7, r7, lsl #8 \n"
      "add    r4, r4, r4, lsl #4 \n"
      "add    r7, r7, r7, lsl #4 \n"
      "strd   r3, r6, [r12, #12] \n"
      "strd   r4, r5, [sp] \n"
      "strd   r7, r8, [sp, #8] \n"
      "ldrd   r0, lr, [r12, #24] \n"
      "ldr    r1, [r12, #32] \n"
      "movs   r2, #1 \n"
      "add    r1, lr, r1, lsl #5 \n"
      "str    r1, [sp, #16] \n"
      "str    r2, [sp, #28] \n"
      "mov    r12, #0x0f0f0f0f \n"
      ".balign 4 \n"
      "1: \n"  // four rows
      "ldrd   r4, r5, [sp] \n"
      "ldrd   r7, r8, [sp, #8] \n"
      PICO_LLAMA_PAIR_FROM(0, "s0", "s16", "r5", "r8")  // C begins where B does
      PICO_LLAMA_NEXT_PAIRS
      "ldr    r3, [r0, #128] \n"  // their codes
      PICO_LLAMA_ADD_ROWS("r4", "r5", "r6", "r1", "r2", "lr", "-32", "ldr r2, [lr], #32 \n", PICO_LLAMA_CODE_2,
                          PICO_LLAMA_CODES_1_3 PICO_LLAMA_CODE_0, "ldr r6, [sp, #24] \n", "add r6, r6, lr \n")
      PICO_LLAMA_ADD_ROWS("r7", "r8", "r9", "r2", "r1", "r6", "-32", "ldr r1, [r6, #-32] \n", "ldr r4, [sp, #16] \n",
                          "ldr r5, [sp, #20] \n", "cmp lr, r4 \n", "")
      "add    r0, r5 \n"
      "bne    1b \n"
      "ldrd   r3, r5, [sp, #28] \n"
      "ldrd   r0, lr, [r5, #24] \n"
      "cbz    r3, 2f \n"
      "movs   r3, #0 \n"  // the lower rows
      "adds   r4, r4, #16 \n"
      "adds   r0, r0, #4 \n"
      "add    lr, lr, #16 \n"
      "str    r4, [sp, #16] \n"
      "str    r3, [sp, #28] \n"
      "b      1b \n"
      "2: \n"
      "ldr    r1, [r5, #44] \n"
      "adds   r0, r0, #136 \n"
      "subs   r1, r1, #1 \n"
      "str    r0, [r5, #24] \n"
      "str    r1, [r5, #44] \n"
      "bne    3b \n"
      "add    sp, sp, #36 \n"
      "vpop   {s16-s31} \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_PAIR
#undef PICO_LLAMA_PAIR_FROM
}

/// The same for three tokens. Nine sums do not leave a register for the mask, but a word rotated once has all three pairs
/// of rows under masks that are immediates. The third token's columns wait on the stack.
/// Cost: 17 cycles per column pair of four rows (24 MACs), 81 per four rows and group, 125 per group, 115 per call.
// r0        words                         r7-r9      of the second
// r2        a column pair of x            r12 lr r1  of the third
// r3        word, then two rows of it     s0-s31     x of the first two
// r4-r6     A, B, C of the first token    [sp]       where A and B begin, of each; totals, and their end for the third token;
// r10, r11  two rows of a word                       block_bytes, total_bytes, 1 for upper rows, groups; x of the third
[[gnu::noipa, gnu::naked]] inline void q4_groups_three(Q4Groups& /*groups*/) {
#define PICO_LLAMA_PAIR_FROM(AT, X, X_TWO, C, C_TWO, C_THREE) \
      "ldr    r3, [r0, #8 * " #AT "] \n" \
      "ldr    r2, [sp, #48 + 4 * " #AT "] \n" \
      "uxtb16 r10, r3, ror #8 \n" \
      "and    r11, r3, #0x0f0f0f0f \n" \
      "smlad  r12, r10, r2, r12 \n" \
      "ror    r3, r3, #12 \n" \
      "smlad  r1, r11, r2, " C_THREE " \n" \
      "and    r3, r3, #0x0f0f0f0f \n" \
      "smlad  lr, r3, r2, lr \n" \
      "vmov   r2, " X " \n" \
      "smlad  r4, r10, r2, r4 \n" \
      "smlad  r6, r11, r2, " C " \n" \
      "smlad  r5, r3, r2, r5 \n" \
      "vmov   r2, " X_TWO " \n" \
      "smlad  r7, r10, r2, r7 \n" \
      "smlad  r9, r11, r2, " C_TWO " \n" \
      "smlad  r8, r3, r2, r8 \n"
#define PICO_LLAMA_PAIR(AT, X, X_TWO) PICO_LLAMA_PAIR_FROM(AT, X, X_TWO, "r6", "r9", "r1")
  __asm__(
      "push   {r4-r11, lr} \n"
      "vpush  {s16-s31} \n"
      "sub    sp, sp, #112 \n"
      "ldrd   r1, r2, [r0, #36] \n"
      "str    r0, [sp, #44] \n"
      "strd   r1, r2, [sp, #32] \n"
      "3: \n"  // a group
      "ldr    r12, [sp, #44] \n"
      "ldrd   r0, r1, [r12] \n"
      "ldr    r2, [r12, #8] \n"
      "vldmia r0!, {s0-s15} \n"
      "vldmia r1!, {s16-s31} \n"
      "strd   r0, r1, [r12] \n"
      "add    r3, sp, #48 \n"
      "ldmia  r2!, {r4-r11} \n"
      "stmia  r3!, {r4-r11} \n"
      "ldmia  r2!, {r4-r11} \n"
      "stmia  r3, {r4-r11} \n"
      "str    r2, [r12, #8] \n"
      "ldrd   r0, r1, [r12, #12] \n"
      "ldr    r2, [r12, #20] \n"
      "ldr    r4, [r0], #4 \n"
      "ldr    r6, [r1], #4 \n"
      "ldr    r8, [r2], #4 \n"
      "add    r5, r4, r4, lsl #8 \n"
      "add    r7, r6, r6, lsl #8 \n"
      "add    r9, r8, r8, lsl #8 \n"
      "add    r4, r4, r4, lsl #4 \n"
      "add    r6, r6, r6, lsl #4 \n"
      "add    r8, r8, r8, lsl #4 \n"
      "strd   r0, r1, [r12, #12] \n"
      "str    r2, [r12, #20] \n"
      "ldrd   r0, r10, [r12, #24] \n"
      "ldr    r1, [r12, #32] \n"
      "ldr    r2, [sp, #36] \n"
      "add    r11, r10, r1, lsl #5 \n"
      "movs   r1, #1 \n"
      "add    r11, r11, r2, lsl #1 \n"
      "str    r1, [sp, #40] \n"
      "stmia  sp, {r4-r11} \n"
      ".balign 4 \n"
      "1: \n"  // four rows
      "ldrd   r4, r5, [sp] \n"
      "ldrd   r7, r8, [sp, #8] \n"
      "ldrd   r12, lr, [sp, #16] \n"
      PICO_LLAMA_PAIR_FROM(0, "s0", "s16", "r5", "r8", "lr")  // C begins where B does
      PICO_LLAMA_NEXT_PAIRS
      // The first token: PICO_LLAMA_ADD_ROWS with few registers. r3: all codes, r10: totals, r11: row 2, then a code.
      "ldr    r3, [r0, #128] \n"
      "sub    r11, r6, r4, lsl #8 \n"
      "ldr    r10, [sp, #24] \n"
      "add    r11, r11, r5, lsl #12 \n"
      "sbfx   r2, r3, #16, #8 \n"
      "sbfx   r11, r11, #0, #20 \n"
      "sub    r6, r6, r11 \n"
      "sub    r4, r4, r6, asr #8 \n"
      "mul    r11, r11, r2 \n"
      "ldr    r2, [r10, #8] \n"
      "lsl    r4, r4, #4 \n"
      "sub    r5, r5, r4, asr #8 \n"
      "add    r11, r11, r2 \n"
      "ldr    r2, [r10], #32 \n"
      "str    r11, [r10, #-24] \n"
      "lsl    r11, r3, #8 \n"
      "smlawb r6, r6, r11, r2 \n"
      "ldr    r2, [r10, #-28] \n"
      PICO_LLAMA_CODES_1_3
      "smlawb r4, r4, r11, r2 \n"
      "ldr    r2, [r10, #-20] \n"
      "strd   r6, r4, [r10, #-32] \n"
      "smlawt r5, r5, r11, r2 \n"
      "ldr    r4, [sp, #36] \n"
      "str    r5, [r10, #-20] \n"
      "str    r10, [sp, #24] \n"
      PICO_LLAMA_ADD_ROWS("r7", "r8", "r9", "r5", "r2", "r6", "-32", "add r6, r10, r4 \n ldr r2, [r6, #-32] \n",
                          PICO_LLAMA_CODE_2 PICO_LLAMA_CODE_0, "", "ldr r9, [sp, #28] \n", "ldr r7, [sp, #32] \n")
      // The third: PICO_LLAMA_ADD_ROWS with a register more, and nothing to wait for.
      "sub    r5, r1, r12, lsl #8 \n"
      "add    r6, r4 \n"
      "add    r5, r5, lr, lsl #12 \n"
      "ldr    r2, [r6, #-32] \n"
      "sbfx   r5, r5, #0, #20 \n"
      "sub    r1, r1, r5 \n"
      "sub    r12, r12, r1, asr #8 \n"
      "smlawb r1, r1, r3, r2 \n"
      "lsl    r12, r12, #4 \n"
      "ldr    r2, [r6, #-28] \n"
      "sub    lr, lr, r12, asr #8 \n"
      "smlawb r12, r12, r11, r2 \n"
      "ldr    r2, [r6, #-20] \n"
      "ldr    r8, [r6, #-24] \n"
      "smlawt lr, lr, r11, r2 \n"
      "mla    r5, r5, r10, r8 \n"
      "strd   r1, r12, [r6, #-32] \n"
      "strd   r5, lr, [r6, #-24] \n"
      "cmp    r6, r9 \n"
      "add    r0, r7 \n"
      "bne    1b \n"
      "ldrd   r3, r5, [sp, #40] \n"
      "ldrd   r0, r6, [r5, #24] \n"
      "cbz    r3, 2f \n"
      "movs   r3, #0 \n"  // the lower rows
      "add    r6, r6, #16 \n"
      "add    r7, r9, #16 \n"
      "adds   r0, r0, #4 \n"
      "strd   r6, r7, [sp, #24] \n"
      "str    r3, [sp, #40] \n"
      "b      1b \n"
      "2: \n"
      "ldr    r1, [r5, #44] \n"
      "adds   r0, r0, #136 \n"
      "subs   r1, r1, #1 \n"
      "str    r0, [r5, #24] \n"
      "str    r1, [r5, #44] \n"
      "bne    3b \n"
      "add    sp, sp, #112 \n"
      "vpop   {s16-s31} \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_PAIR
#undef PICO_LLAMA_PAIR_FROM
}

/// The same for one token.
/// Cost: 15 cycles per column pair of a block's 8 rows (16 MACs), 3 per iteration of 4 pairs, 62 per block and group, 25
/// per group.
// r0, r1    words, x                      r10, r11  rows of a word
// r2, r3    column pair of x, word        r12       0x0f0f0f0f
// r4-r6     A, B, C of the upper rows     lr        iterations
// r7-r9     of the lower ones             [sp]      where A and B begin, totals, x, end of totals,
//                                                   block_bytes - 136, groups
[[gnu::noipa, gnu::naked]] inline void q4_groups_one(Q4Groups& /*groups*/) {
#define PICO_LLAMA_PAIR \
      "ldr    r3, [r0], #4 \n" \
      "ldr    r2, [r1], #4 \n" \
      "uxtb16 r10, r3, ror #8 \n" \
      "and    r11, r12, r3, ror #12 \n" \
      "smlad  r4, r10, r2, r4 \n" \
      "and    r3, r12, r3 \n" \
      "smlad  r5, r11, r2, r5 \n" \
      "ldr    r10, [r0], #4 \n" \
      "smlad  r6, r3, r2, r6 \n" \
      "uxtb16 r3, r10, ror #8 \n" \
      "and    r11, r12, r10, ror #12 \n" \
      "smlad  r7, r3, r2, r7 \n" \
      "and    r10, r12, r10 \n" \
      "smlad  r8, r11, r2, r8 \n" \
      "smlad  r9, r10, r2, r9 \n"
  __asm__(
      "push   {r4-r11, lr} \n"
      "ldr    r9, [r0, #36] \n"
      "sub    r9, r9, #136 \n"
      "push   {r0} \n"
      "push   {r4-r9} \n"
      "3: \n"  // a group
      "ldr    r12, [sp, #24] \n"
      "ldr    r2, [r12, #12] \n"
      "ldr    r7, [r12] \n"
      "ldr    r3, [r2], #4 \n"
      "ldrd   r0, r6, [r12, #24] \n"
      "ldr    r8, [r12, #32] \n"
      "add    r4, r3, r3, lsl #4 \n"
      "add    r5, r3, r3, lsl #8 \n"
      "add    r1, r7, #64 \n"
      "add    r8, r6, r8, lsl #5 \n"
      "str    r2, [r12, #12] \n"
      "str    r1, [r12] \n"
      "add    r1, r0, #136 \n"
      "str    r1, [r12, #24] \n"
      "mov    r12, #0x0f0f0f0f \n"
      "stmia  sp, {r4-r8} \n"
      "1: \n"  // a block
      "ldrd   r4, r5, [sp] \n"
      "ldr    r1, [sp, #12] \n"
      "mov    r6, r5 \n"
      "mov    r7, r4 \n"
      "mov    r8, r5 \n"
      "mov    r9, r5 \n"
      "mov    lr, #4 \n"
      ".balign 4 \n"
      "2: \n"
      PICO_LLAMA_PAIR PICO_LLAMA_PAIR PICO_LLAMA_PAIR PICO_LLAMA_PAIR
      "subs   lr, lr, #1 \n"
      "bne    2b \n"
      "ldr    r3, [r0], #4 \n"  // the upper rows' codes
      "ldr    lr, [sp, #8] \n"
      PICO_LLAMA_ADD_ROWS("r4", "r5", "r6", "r1", "r2", "lr", "-32", "ldr r2, [lr], #32 \n", PICO_LLAMA_CODE_2,
                          PICO_LLAMA_CODES_1_3 PICO_LLAMA_CODE_0, "ldr r3, [r0], #4 \n", "str lr, [sp, #8] \n")
      PICO_LLAMA_ADD_ROWS("r7", "r8", "r9", "r2", "r1", "lr", "-16", "ldr r1, [lr, #-16] \n", PICO_LLAMA_CODE_2,
                          PICO_LLAMA_CODES_1_3 PICO_LLAMA_CODE_0, "ldrd r5, r6, [sp, #16] \n", "cmp lr, r5 \n")
      "add    r0, r6 \n"
      "bne    1b \n"
      "ldr    r12, [sp, #24] \n"
      "ldr    r1, [r12, #44] \n"
      "subs   r1, r1, #1 \n"
      "str    r1, [r12, #44] \n"
      "bne    3b \n"
      "add    sp, sp, #28 \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_PAIR
}

#undef PICO_LLAMA_NEXT_PAIRS
#undef PICO_LLAMA_ADD_ROWS
#undef PICO_LLAMA_CODE_0
#undef PICO_LLAMA_CODES_1_3
#undef PICO_LLAMA_CODE_2
// clang-format on

}  // namespace pico_llama::dsp
