// The inner loops of q8 attention for two queries on one KV head, in assembly: those of heads of 8 elements
// and that of the weights need all 14 registers, which GCC 12 cannot allocate without spilling.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/kernels/attention_q8/attention_loop_args.h"
#include "engine/kernels/attention_q8/attention_q8.h"

namespace pico_llama::dsp {

// The offsets below: LDM of AttentionWeights takes its members in order.
static_assert(offsetof(AttentionWeights, t) == 0 && offsetof(AttentionWeights, values) == 4 &&
              offsetof(AttentionWeights, table) == 8 && offsetof(AttentionWeights, sum_a) == 12 &&
              offsetof(AttentionWeights, sum_b) == 16 && offsetof(AttentionWeights, t_end) == 20 &&
              offsetof(AttentionWeights, out) == 24 && offsetof(AttentionWeights, values_step) == 28 &&
              offsetof(AttentionWeights, lowest) == 32);
static_assert(offsetof(AttentionEntry, weights_a) == 0 && offsetof(AttentionEntry, weights_b) == 4 &&
              offsetof(AttentionEntry, values) == 8 && sizeof(AttentionEntry) == 12);
// A group of keys of 8 elements: 4 positions of two words, then their 4 codes.
static_assert(q8_key_byte(8, 1, 0) == 8 && q8_key_group_bytes(8) == 36);

inline uint32_t values_handle(const void* values, const void* /*base*/) {
  return reinterpret_cast<uint32_t>(values);
}
inline const void* values_at(uint32_t handle, const void* /*base*/) {
  return reinterpret_cast<const void*>(handle);
}

// clang-format off

/// t[j] = the scores of position j, a's below b's: (sum_i x[i] * k[j][i]) * code[j] >> 16. Returns `max` with
/// each half replaced by the largest score of its head, if that is larger.
/// keys: `groups` groups of 4 positions (AttentionQ8). x: (2, 8) int16. Requires: groups above 0.
/// Cost: 22 cycles per position, 5 per iteration of 8 positions. Reads one word past the last group (discarded).
// r0        keys                          r4-r7    x of head a
// r1-r2     bytes of a word; scratch      r8-r11   x of head b
// r3        first word, then a's sum      [sp]     end of the keys
// r12       b's sum                       [sp, #4] t
// lr        max
// At the start of an iteration r0 points to the first of two groups and r3 holds the position's first word.
// Results of SXTB16, SMLAD, MUL, PKHTB and loads are never used by the next instruction.
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

/// Converts scores to weights: p = table[t - lowest], 0 for lower scores. Two positions whose four weights are 0
/// produce no entry. Cost: 10 cycles per two positions without an entry, 25 with one.
// r0        t                             r5-r6    sum_a, sum_b
// r1-r2     scores of two positions,      r8       t_end
//           then b's weights              r9       out
// r3        values                        r10      values_step
// r4        table                         r11      lowest
// r7, r12   a's weights                   lr       0x00010001
// Branches follow 16-bit instructions that do not set flags: taken, they then cost one cycle instead of two.
// Their targets are word-aligned, padded with NOPs that pair: a 32-bit instruction across two words costs one
// cycle more.
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

/// acc[h][i] += sum_j w[h][j] * v[j][i] over the entries (an even number, at least 2). acc: (2, 8).
/// Cost: 37 cycles per entry. Reads one word past the entries.
// r0        entries                       r4-r7    acc of head a, 4 elements
// r1, r2    weights of a, of b            r8-r11   acc of head b
// r3, r12   two words of values           [sp]     entries
// lr        unpacked values; then end     [sp, #4] end
//                                         [sp, #8] acc
// On entry to an iteration r3 holds the entry's third word.
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

/// One position's key times two queries. key: `words` words of AttentionQ8. Requires: words above 0.
/// Cost: 11 cycles per word (8 MACs), 3 per iteration of two. A result is never used by the next instruction.
inline TwoSums dot_of_two(const void* key, const void* xa, const void* xb, int words) {
  TwoSums sums{0, 0};
  uint32_t word, even, x0, x1;
#define PICO_LLAMA_WORD(BETWEEN) \
      "ldr    %[word], [%[key]], #4 \n" \
      "ldrd   %[x0], %[x1], [%[xa]], #8 \n" \
      "sxtb16 %[even], %[word] \n" \
      "sxtb16 %[word], %[word], ror #8 \n" \
      "smlad  %[a], %[even], %[x0], %[a] \n" \
      "smlad  %[a], %[word], %[x1], %[a] \n" \
      "ldrd   %[x0], %[x1], [%[xb]], #8 \n" \
      BETWEEN \
      "smlad  %[b], %[even], %[x0], %[b] \n" \
      "smlad  %[b], %[word], %[x1], %[b] \n"
  __asm__ volatile(
      "tst    %[words], #1 \n"
      "bne    2f \n"
      "1: \n"
      PICO_LLAMA_WORD("")
      "2: \n"
      PICO_LLAMA_WORD("subs %[words], %[words], #2 \n")
      "bgt    1b \n"
      : [a] "+r"(sums.a), [b] "+r"(sums.b), [key] "+r"(key), [xa] "+r"(xa), [xb] "+r"(xb), [words] "+r"(words),
        [word] "=&r"(word), [even] "=&r"(even), [x0] "=&r"(x0), [x1] "=&r"(x1)
      :
      : "cc", "memory");
#undef PICO_LLAMA_WORD
  return sums;
}

/// a[i] += sum_j weights_a[j] * v[j][i], b likewise, over the entries, for the two elements whose word is `at` bytes into
/// a position pair's values. Requires: an entry. Cost: 13 cycles per entry (8 MACs).
inline void values_of_two(const AttentionEntry* entries, const AttentionEntry* end, const void* /*base*/, int at,
                          int32_t* a, int32_t* b) {
  int32_t a0 = a[0], a1 = a[1], b0 = b[0], b1 = b[1];
  uint32_t weights_a, weights_b, values, even;
  __asm__ volatile(
      "1: \n"
      "ldr    %[values], [%[entries], #8] \n"
      "ldrd   %[wa], %[wb], [%[entries]], #12 \n"
      "ldr    %[values], [%[values], %[at]] \n"
      "cmp    %[entries], %[end] \n"
      "sxtb16 %[even], %[values] \n"
      "sxtb16 %[values], %[values], ror #8 \n"
      "smlad  %[a0], %[even], %[wa], %[a0] \n"
      "smlad  %[b0], %[even], %[wb], %[b0] \n"
      "smlad  %[a1], %[values], %[wa], %[a1] \n"
      "smlad  %[b1], %[values], %[wb], %[b1] \n"
      "bne    1b \n"
      : [a0] "+r"(a0), [a1] "+r"(a1), [b0] "+r"(b0), [b1] "+r"(b1), [entries] "+r"(entries),
        [wa] "=&r"(weights_a), [wb] "=&r"(weights_b), [values] "=&r"(values), [even] "=&r"(even)
      : [end] "r"(end), [at] "r"(at)
      : "cc", "memory");
  a[0] = a0, a[1] = a1;
  b[0] = b0, b[1] = b1;
}
// clang-format on

}  // namespace pico_llama::dsp
