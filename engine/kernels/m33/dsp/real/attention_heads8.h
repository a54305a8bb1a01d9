// The two inner loops of q8 attention for two query heads of 8 elements on one key/value head, in assembly:
// they want all 14 registers, and GCC 12 spills (its scores took 56 instructions a pair of positions, its
// values 50).
#pragma once
#include <cstdint>

#include "engine/kernels/arguments.h"

namespace pico_llama::dsp {

/// t[h][j] = sum_i q[h][i] * k[j][i] for two heads and 2 * pairs positions.
/// keys: 4 words a pair (AttentionQ8). q: (2, 8) int16. t: (2, kAttentionBlock). Requires: pairs above 0.
/// Cost: 43 cycles a pair.
[[gnu::noinline]] inline void dots_heads8(const void* keys, const void* q, int pairs, int32_t* t) {
  static_assert(kAttentionBlock * sizeof(int32_t) == 128);
  uint32_t w0, w1, x, y, e, a0, a1, b0, b1;
  const void* end = static_cast<const char*>(keys) + pairs * 16;
  // clang-format off
  // A word is loaded two cycles before its use, and no product waits for the SXTB16 right before it but once.
#define PICO_LLAMA_TWO_WORDS(FIRST, A0, A1, B0, B1, QA0, QB0, QA1, QB1) \
      "ldrd   %[w0], %[w1], [%[keys]], #8 \n" \
      "ldr    %[x], [%[q], #" QA0 "] \n" \
      "sxtb16 %[e], %[w0] \n" \
      "ldr    %[y], [%[q], #" QB0 "] \n" \
      "sxtb16 %[w0], %[w0], ror #8 \n" \
      FIRST "  %[a0], %[e], %[x]" A0 " \n" \
      FIRST "  %[b0], %[e], %[y]" B0 " \n" \
      "sxtb16 %[e], %[w1] \n" \
      FIRST "  %[a1], %[w0], %[x]" A1 " \n" \
      "ldr    %[x], [%[q], #" QA1 "] \n" \
      FIRST "  %[b1], %[w0], %[y]" B1 " \n" \
      "ldr    %[y], [%[q], #" QB1 "] \n" \
      "sxtb16 %[w1], %[w1], ror #8 \n" \
      "smlad  %[a0], %[e], %[x], %[a0] \n" \
      "smlad  %[b0], %[e], %[y], %[b0] \n" \
      "smlad  %[a1], %[w1], %[x], %[a1] \n" \
      "smlad  %[b1], %[w1], %[y], %[b1] \n"
  __asm__ volatile(
      "1: \n"
      PICO_LLAMA_TWO_WORDS("smuad", "", "", "", "", "0", "16", "4", "20")
      PICO_LLAMA_TWO_WORDS("smlad", ", %[a0]", ", %[a1]", ", %[b0]", ", %[b1]", "8", "24", "12", "28")
      "strd   %[b0], %[b1], [%[t], #128] \n"
      "strd   %[a0], %[a1], [%[t]], #8 \n"
      "cmp    %[keys], %[end] \n"
      "bne    1b \n"
      : [keys] "+r"(keys), [t] "+r"(t), [w0] "=&r"(w0), [w1] "=&r"(w1), [x] "=&r"(x), [y] "=&r"(y), [e] "=&r"(e),
        [a0] "=&r"(a0), [a1] "=&r"(a1), [b0] "=&r"(b0), [b1] "=&r"(b1)
      : [q] "r"(q), [end] "r"(end)
      : "cc", "memory");
#undef PICO_LLAMA_TWO_WORDS
  // clang-format on
}

/// acc[h][i] += sum_j w[h][j] * v[j][i] for two heads, 2 * pairs positions and elements 0 to 3 of 8: with
/// values 2 words and acc 4 elements further on, elements 4 to 7. values: 4 words a pair (AttentionQ8). w:
/// (2, kAttentionBlock) int16. acc: (2, 8). Requires: pairs above 0. Cost: 18 cycles a pair. noipa: the
/// compiler must not think that nobody reads the arguments.
[[gnu::noipa, gnu::naked]] inline void add_values_heads8(const void* /*values*/, const void* /*w*/,
                                                         const void* /*end of w[0]*/, int32_t* /*acc*/) {
  static_assert(kAttentionBlock * sizeof(int16_t) == 64);
  // clang-format off
#define PICO_LLAMA_PAIR \
      "ldr    r3, [r1, #64] \n" \
      "ldr    r12, [r0], #4 \n" \
      "ldr    r2, [r1], #4 \n" \
      "sxtb16 lr, r12 \n" \
      "sxtb16 r12, r12, ror #8 \n" \
      "smlad  r4, lr, r2, r4 \n" \
      "smlad  r5, r12, r2, r5 \n" \
      "smlad  r9, r12, r3, r9 \n" \
      "ldr    r12, [r0], #12 \n" \
      "smlad  r8, lr, r3, r8 \n" \
      "sxtb16 lr, r12 \n" \
      "sxtb16 r12, r12, ror #8 \n" \
      "smlad  r6, lr, r2, r6 \n" \
      "smlad  r10, lr, r3, r10 \n" \
      "ldr    lr, [sp] \n" \
      "smlad  r7, r12, r2, r7 \n" \
      "smlad  r11, r12, r3, r11 \n"
  __asm__(
      "push   {r4-r11, lr} \n"
      "push   {r2, r3} \n"
      "sub    r12, r2, r1 \n"
      "ldmia  r3!, {r4-r7} \n"
      "adds   r3, #16 \n"
      "ldmia  r3, {r8-r11} \n"
      "lsls   r12, r12, #29 \n"  // bit 2 of the length: an odd number of pairs
      "bmi    2f \n"
      "1: \n"
      PICO_LLAMA_PAIR
      "2: \n"
      PICO_LLAMA_PAIR
      "cmp    r1, lr \n"
      "bne    1b \n"
      "pop    {r2, r3} \n"
      "stmia  r3!, {r4-r7} \n"
      "adds   r3, #16 \n"
      "stmia  r3, {r8-r11} \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_PAIR
  // clang-format on
}

}  // namespace pico_llama::dsp
