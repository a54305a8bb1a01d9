// The three inner loops of q8 attention for two query heads on one KV head, in assembly: each needs all 14
// registers, which GCC 12 cannot allocate without spilling. The first and last are for heads of 8 elements.
#pragma once
#include <cstdint>

#include "engine/kernels/attention_q8/attention_q8.h"

namespace pico_llama::dsp {

/// Weights of two positions, not all 0, and the address of their values.
struct AttentionEntry {
  uint32_t weights_a;  ///< the first position's in the lower half
  uint32_t weights_b;
  uint32_t values;
};

inline uint32_t values_handle(const void* values, const void* /*base*/) {
  return reinterpret_cast<uint32_t>(values);
}
inline const void* values_at(uint32_t handle, const void* /*base*/) {
  return reinterpret_cast<const void*>(handle);
}

/// Arguments and results of weights_of_two_heads().
struct AttentionWeights {
  const uint32_t* t;      ///< scores per position: head a in the lower half, b in the upper
  uint32_t values;        ///< handle of the first two positions' values
  const uint16_t* table;  ///< of exp(); see exp_fixed.h
  uint32_t sum_a;         ///< sums of the weights are added here
  uint32_t sum_b;
  const uint32_t* t_end;  ///< a multiple of 4 words after t; two more words are read
  /// in: space for the entries, which may overlap scores already read; out: end of the entries
  AttentionEntry* out;
  uint32_t values_step;  ///< bytes between the values of consecutive position pairs
  uint32_t lowest;       ///< per head: scores up to this one have weight 0
};

// clang-format off

/// t[j] = the scores of position j, a's below b's: (sum_i x[i] * k[j][i]) * code[j] >> 16. Returns `max` with
/// each half replaced by the largest score of its head, if that is larger.
/// keys: `groups` groups of 4 positions (AttentionQ8). x: (2, 8) int16. Requires: groups above 0.
/// Cost: 22 cycles a position, 5 for each turn of 8. Reads, and drops, the word behind the last group.
// In a turn r0 is at the first of two groups; r3 has been loaded with the first word of the position. No
// result of SXTB16, SMLAD, MUL or PKHTB and no load is used by the next instruction.
[[gnu::noipa, gnu::naked]] inline uint32_t scores_of_two_heads8(const void* /*keys*/, const void* /*x*/, int /*groups*/,
                                                                uint32_t* /*t*/, uint32_t /*max*/) {
#define PICO_LLAMA_POSITION(WORD1, CODE, NEXT, OUT) \
      "sxtb16 r2, r3, ror #8 \n" \
      "sxtb16 r1, r3 \n" \
      "smuad  r3, r2, r5 \n" \
      "smuad  r12, r2, r9 \n" \
      "ldr    r2, [r0, #" WORD1 "] \n" \
      "smlad  r3, r1, r4, r3 \n" \
      "smlad  r12, r1, r8, r12 \n" \
      "sxtb16 r1, r2, ror #8 \n" \
      "sxtb16 r2, r2 \n" \
      "smlad  r3, r1, r7, r3 \n" \
      "smlad  r12, r1, r11, r12 \n" \
      "ldrb   r1, [r0, #" CODE "] \n" \
      "smlad  r3, r2, r6, r3 \n" \
      "smlad  r12, r2, r10, r12 \n" \
      "mul    r3, r3, r1 \n" \
      "mul    r12, r12, r1 \n" \
      "ldr    r1, [sp, #4] \n" \
      "pkhtb  r2, r12, r3, asr #16 \n" \
      "ldr    r3, [r0, #" NEXT " \n" \
      "ssub16 r12, r2, lr \n" \
      "sel    lr, r2, lr \n" \
      "str    r2, [r1, #" OUT "] \n"
  __asm__(
      "push   {r4-r11, lr} \n"
      "ldr    lr, [sp, #36] \n"
      "ldm    r1, {r4-r11} \n"
      "lsls   r1, r2, #31 \n"
      "add    r2, r2, r2, lsl #3 \n"
      "add    r2, r0, r2, lsl #2 \n"     // end of the keys
      "bne    3f \n"
      "push   {r2, r3} \n"
      "ldr    r3, [r0] \n"
      ".balign 4 \n"
      "1: \n"
      PICO_LLAMA_POSITION("4", "32", "8]", "0")
      PICO_LLAMA_POSITION("12", "33", "16]", "4")
      PICO_LLAMA_POSITION("20", "34", "24]", "8")
      PICO_LLAMA_POSITION("28", "35", "36]", "12")
      "2: \n"
      PICO_LLAMA_POSITION("40", "68", "44]", "16")
      PICO_LLAMA_POSITION("48", "69", "52]", "20")
      PICO_LLAMA_POSITION("56", "70", "60]", "24")
      PICO_LLAMA_POSITION("64", "71", "72]!", "28")
      "ldr    r2, [sp] \n"
      "adds   r1, #32 \n"
      "cmp    r0, r2 \n"
      "str    r1, [sp, #4] \n"
      "bne    1b \n"
      "add    sp, #8 \n"
      "mov    r0, lr \n"
      "pop    {r4-r11, pc} \n"
      "3: \n"                            // odd number of groups: enter in the middle of the first iteration
      "subs   r3, #16 \n"
      "push   {r2, r3} \n"
      "subs   r0, #36 \n"
      "ldr    r3, [r0, #36] \n"
      "b      2b \n");
#undef PICO_LLAMA_POSITION
}

/// Scores into weights: p = table[t - lowest], 0 for what is lower. Two positions whose four weights are 0 make
/// no entry. Cost: 10 cycles two positions without an entry, 25 with one.
// Branches come after 16-bit instructions that set no flags: taken they then cost one cycle, not two. They go to
// whole words, by way of NOPs that pair: a 32-bit instruction across two costs a cycle more.
[[gnu::noipa, gnu::naked]] inline void weights_of_two_heads(AttentionWeights& /*w*/) {
#define PICO_LLAMA_TWO_POSITIONS(NEXT) \
      "qsub16 r1, r1, r11 \n" \
      "qsub16 r2, r2, r11 \n" \
      "usat16 r1, #15, r1 \n" \
      "usat16 r2, #15, r2 \n" \
      "uxth   r7, r1 \n" \
      "orrs   r12, r1, r2 \n" \
      "add    r3, r10 \n" \
      "beq    " NEXT "f \n" \
      "uxth   r12, r2 \n" \
      "lsrs   r1, r1, #16 \n" \
      "lsrs   r2, r2, #16 \n" \
      "nop    \n" \
      "ldrh   r7, [r4, r7, lsl #1] \n" \
      "ldrh   r12, [r4, r12, lsl #1] \n" \
      "ldrh   r1, [r4, r1, lsl #1] \n" \
      "ldrh   r2, [r4, r2, lsl #1] \n" \
      "orr    r7, r7, r12, lsl #16 \n" \
      "str    r3, [r9, #8] \n" \
      "orr    r1, r1, r2, lsl #16 \n" \
      "smlad  r5, r7, lr, r5 \n" \
      "smlad  r6, r1, lr, r6 \n" \
      "strd   r7, r1, [r9], #12 \n" \
      NEXT ": \n"
  __asm__(
      "push   {r0, r4-r11, lr} \n"
      "ldm    r0, {r0, r3-r6, r8-r11} \n"  // t, values, table, sums, end, out, step, lowest
      "mov    lr, #0x00010001 \n"
      "sub    r3, r3, r10 \n"
      "ldmia  r0!, {r1, r2} \n"
      ".balign 4 \n"
      "1: \n"
      PICO_LLAMA_TWO_POSITIONS("2")
      "ldmia  r0!, {r1, r2} \n"
      "nop    \n"
      PICO_LLAMA_TWO_POSITIONS("3")
      "cmp    r0, r8 \n"
      "ldmia  r0!, {r1, r2} \n"
      "bne    1b \n"
      "pop    {r0} \n"
      "strd   r5, r6, [r0, #12] \n"
      "str    r9, [r0, #24] \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_TWO_POSITIONS
}

/// acc[h][i] += sum_j w[h][j] * v[j][i] over the entries: an even number of them, above 0. acc: (2, 8).
/// Cost: 37 cycles an entry. Reads a word behind the entries.
// r3 has been loaded with the entry's third word.
[[gnu::noipa, gnu::naked]] inline void values_of_two_heads8(const AttentionEntry* /*entries*/, const AttentionEntry* /*end*/,
                                                            const void* /*base*/, int32_t* /*acc*/) {
#define PICO_LLAMA_ENTRY(OFFSET, AFTER_R3, AFTER_LR) \
      "ldrd   r1, r2, [r0], #12 \n" \
      "ldrd   r3, r12, [r3, #" OFFSET "] \n" \
      "sxtb16 lr, r3 \n" \
      "sxtb16 r3, r3, ror #8 \n" \
      "smlad  r4, lr, r1, r4 \n" \
      "smlad  r8, lr, r2, r8 \n" \
      "sxtb16 lr, r12 \n" \
      "smlad  r5, r3, r1, r5 \n" \
      "smlad  r9, r3, r2, r9 \n" \
      AFTER_R3 \
      "sxtb16 r12, r12, ror #8 \n" \
      "smlad  r6, lr, r1, r6 \n" \
      "smlad  r10, lr, r2, r10 \n" \
      AFTER_LR \
      "smlad  r7, r12, r1, r7 \n" \
      "smlad  r11, r12, r2, r11 \n"
#define PICO_LLAMA_FOUR_ELEMENTS(OFFSET) \
      "ldmia  r3!, {r4-r7} \n" \
      "adds   r3, #16 \n" \
      "ldmia  r3, {r8-r11} \n" \
      "ldr    r3, [r0, #8] \n" \
      ".balign 4 \n" \
      "1: \n" \
      PICO_LLAMA_ENTRY(OFFSET, "ldr r3, [r0, #8] \n", "") \
      PICO_LLAMA_ENTRY(OFFSET, "", "ldr lr, [sp, #4] \n") \
      "cmp    r0, lr \n" \
      "ldr    r3, [r0, #8] \n" \
      "bne    1b \n" \
      "ldr    r3, [sp, #8] \n" \
      "stmia  r3!, {r4-r7} \n" \
      "adds   r3, #16 \n" \
      "stmia  r3, {r8-r11} \n"
  __asm__(
      "push   {r4-r11, lr} \n"
      "push   {r0, r1, r3} \n"
      PICO_LLAMA_FOUR_ELEMENTS("0")
      "subs   r3, #16 \n"                // elements 4 to 7
      "ldr    r0, [sp] \n"
      "str    r3, [sp, #8] \n"
      PICO_LLAMA_FOUR_ELEMENTS("8")
      "add    sp, #12 \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_FOUR_ELEMENTS
#undef PICO_LLAMA_ENTRY
}
// clang-format on

}  // namespace pico_llama::dsp
