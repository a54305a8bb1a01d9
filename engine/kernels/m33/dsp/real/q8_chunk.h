// The inner loop of the q8 matmul in assembly. GCC 12 spills two of its 14 values to the stack in every turn
// (23 instructions for a column pair where 17 do), in C++ with intrinsics at -O2 and -O3 alike.
#pragma once
#include <cstdint>

namespace pico_llama::dsp {

/// Sums of a chunk of one block, row by row, modulo 2^32.
struct Q8Sums {
  uint32_t row[8];
};

/// words: 4 a column pair. Requires: pairs even and above 0.
/// The rows of a pair are told apart at the end: (256 * S_B + S_A) - S_A is 256 * S_B exactly, as an int32
/// (SPEC.md, "Why q8 sums do not overflow"). Cost: 17 cycles a column pair (16 MACs), 3 for each turn of 4
/// pairs. A word is loaded two cycles before its use, and no result is used in the cycle after SXTB16 makes
/// it.
[[gnu::noinline]] inline void q8_chunk(const void* words, const void* x, int pairs, Q8Sums& sums) {
  uint32_t l0 = 0, l1 = 0, l2 = 0, l3 = 0, w0 = 0, w1 = 0, w2 = 0, w3 = 0;
  uint32_t a, b, xi;
  const void* end = static_cast<const char*>(x) + pairs * 4;
  // clang-format off
#define PICO_LLAMA_TWO_ROW_PAIRS(W0, W1, L0, L1) \
      "ldrd   %[a], %[b], [%[words]], #8 \n" \
      "smlad  %[" W0 "], %[a], %[xi], %[" W0 "] \n" \
      "sxtb16 %[a], %[a] \n" \
      "smlad  %[" W1 "], %[b], %[xi], %[" W1 "] \n" \
      "sxtb16 %[b], %[b] \n" \
      "smlad  %[" L0 "], %[a], %[xi], %[" L0 "] \n" \
      "smlad  %[" L1 "], %[b], %[xi], %[" L1 "] \n"
#define PICO_LLAMA_COLUMN_PAIR \
      "ldr    %[xi], [%[x]], #4 \n" \
      PICO_LLAMA_TWO_ROW_PAIRS("w0", "w1", "l0", "l1") \
      PICO_LLAMA_TWO_ROW_PAIRS("w2", "w3", "l2", "l3")
  __asm__(
      "sub    %[xi], %[end], %[x] \n"
      "lsls   %[xi], %[xi], #28 \n"   // bit 3 of the length: the number of pairs is no multiple of 4
      "bmi    2f \n"
      "1: \n"
      PICO_LLAMA_COLUMN_PAIR
      PICO_LLAMA_COLUMN_PAIR
      "2: \n"
      PICO_LLAMA_COLUMN_PAIR
      PICO_LLAMA_COLUMN_PAIR
      "cmp    %[x], %[end] \n"
      "bne    1b \n"
      "sub    %[w0], %[w0], %[l0] \n"
      "sub    %[w1], %[w1], %[l1] \n"
      "sub    %[w2], %[w2], %[l2] \n"
      "sub    %[w3], %[w3], %[l3] \n"
      "asr    %[w0], %[w0], #8 \n"
      "asr    %[w1], %[w1], #8 \n"
      "asr    %[w2], %[w2], #8 \n"
      "asr    %[w3], %[w3], #8 \n"
      : [words] "+r"(words), [x] "+r"(x), [l0] "+r"(l0), [l1] "+r"(l1), [l2] "+r"(l2), [l3] "+r"(l3),
        [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [a] "=&r"(a), [b] "=&r"(b), [xi] "=&r"(xi)
      : [end] "r"(end)
      : "cc", "memory");
#undef PICO_LLAMA_COLUMN_PAIR
#undef PICO_LLAMA_TWO_ROW_PAIRS
  // clang-format on
  sums = {{l0, w0, l1, w1, l2, w2, l3, w3}};
}

/// Makes the compiler load the sums from memory, straight into FPU registers, instead of moving each one
/// there from a core register.
inline void keep_in_memory(Q8Sums& sums) { __asm__("" : "+m"(sums)); }

}  // namespace pico_llama::dsp
