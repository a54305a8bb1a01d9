// The inner loops of the q4 matmul in assembly: they need all 14 registers.
#pragma once
#include <cstdint>

#include "engine/model/q4_layout.h"

namespace pico_llama::dsp {

/// sums[r] = sum_g scale[r][g] * sum_{i in g} w[r][i] * x[i] for rows 0-3 of a block; for rows 4-7 pass words
/// + 4 bytes. words: after the block's scale (q4_layout.h). x: whole groups. A nibble in the top of its half
/// is the weight times 2^12, so SMLAD sums 2^12 * S, exact as an int32 (SPEC.md, "Why q4 sums do not
/// overflow"). Cost: 10 cycles per column pair (8 MACs), 2 per iteration of 4 pairs, about 35 per group.
/// Scheduling: AND's shifted result is used two cycles later.
[[gnu::noinline]] inline void q4_rows(const void* words, const void* x, int groups, int32_t* sums) {
  static_assert(kQ4Group == 32 && kQ4GroupBytes == 136);
  uint32_t a0, a1, a2, a3, w, xi, t, u, iterations;
  const uint32_t mask = 0xf000f000;
  sums[0] = sums[1] = sums[2] = sums[3] = 0;
  // clang-format off
#define PICO_LLAMA_COLUMN_PAIR \
      "ldr    %[w], [%[words]], #8 \n" \
      "ldr    %[xi], [%[x]], #4 \n" \
      "and    %[t], %[mask], %[w], lsl #12 \n" \
      "and    %[u], %[mask], %[w], lsl #8 \n" \
      "smlad  %[a0], %[t], %[xi], %[a0] \n" \
      "and    %[t], %[mask], %[w], lsl #4 \n" \
      "smlad  %[a1], %[u], %[xi], %[a1] \n" \
      "and    %[w], %[mask], %[w] \n" \
      "smlad  %[a2], %[t], %[xi], %[a2] \n" \
      "smlad  %[a3], %[w], %[xi], %[a3] \n"
#define PICO_LLAMA_TWO_ROWS(A, B, SCALE_A, SCALE_B, AT) \
      "ldrd   %[t], %[u], [%[sums], #" AT "] \n" \
      "asr    %[" A "], %[" A "], #12 \n" \
      "sxtb   %[xi], %[w]" SCALE_A " \n" \
      "asr    %[" B "], %[" B "], #12 \n" \
      "mla    %[t], %[" A "], %[xi], %[t] \n" \
      "sxtb   %[xi], %[w]" SCALE_B " \n" \
      "mla    %[u], %[" B "], %[xi], %[u] \n" \
      "strd   %[t], %[u], [%[sums], #" AT "] \n"
  __asm__ volatile(
      "1: \n"
      "mov    %[a0], #0 \n"
      "mov    %[a1], #0 \n"
      "mov    %[a2], #0 \n"
      "mov    %[a3], #0 \n"
      "mov    %[iterations], #4 \n"
      "2: \n"
      PICO_LLAMA_COLUMN_PAIR
      PICO_LLAMA_COLUMN_PAIR
      PICO_LLAMA_COLUMN_PAIR
      PICO_LLAMA_COLUMN_PAIR
      "subs   %[iterations], %[iterations], #1 \n"
      "bne    2b \n"
      "ldr    %[w], [%[words]], #8 \n"  // the rows' group scales
      PICO_LLAMA_TWO_ROWS("a0", "a1", "", ", ror #8", "0")
      PICO_LLAMA_TWO_ROWS("a2", "a3", ", ror #16", ", ror #24", "8")
      "subs   %[groups], %[groups], #1 \n"
      "bne    1b \n"
      : [words] "+r"(words), [x] "+r"(x), [groups] "+r"(groups), [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2),
        [a3] "=&r"(a3), [w] "=&r"(w), [xi] "=&r"(xi), [t] "=&r"(t), [u] "=&r"(u), [iterations] "=&r"(iterations)
      : [mask] "r"(mask), [sums] "r"(sums)
      : "cc", "memory");
#undef PICO_LLAMA_TWO_ROWS
#undef PICO_LLAMA_COLUMN_PAIR
  // clang-format on
}

}  // namespace pico_llama::dsp
