// The single-token q8 matmul in assembly. GCC 12 spills two of the inner loop's 14 live values in every
// iteration (23 instructions per column pair instead of 15) and passes sums to the FPU through the stack.
#pragma once
#include <cstdint>

#include "engine/kernels/matmul_q8/q8_blocks_args.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama::dsp {

static_assert(kQ8ScaleBytes == 32, "s8 to s15 are loaded with a block's scales");

/// Requires: pairs and chunk_pairs even and positive, at least one block.
/// At the end of a chunk the two rows of a pair are separated: (256 * S_B + S_A) - S_A is exactly 256 * S_B
/// as an int32 (SPEC.md, "Why q8 sums do not overflow"). The next chunk starts from S_A, so that S_A
/// accumulates over the whole row. Cost: 17.25 cycles per column pair (16 MACs), 55 per block. Scheduling: a
/// word is loaded two cycles before its use, SXTB16's result is not used in the next cycle, and the loop's
/// branch follows a 16-bit load, which hides half of it.
[[gnu::always_inline]] inline void q8_blocks(const Q8Blocks& a) {
  // x points one pair before the next pair to load
  const char* const before = static_cast<const char*>(a.x) - 4;
  const void* words = a.words;
  const void* const words_end = a.words_end;
  const void* const last = before + 4 * a.pairs;
  const bool chunked = a.chunk_pairs < a.pairs;
  const int chunk_bytes = 4 * a.chunk_pairs;
  const void* const first_end = chunked ? before + chunk_bytes : last;
  const int in_chunks = chunked;
  const float x_scale = a.x_scale;
  float* out = a.out;
  uint32_t total[4] = {};
  uint32_t* const totals = total;
  uint32_t l0, l1, l2, l3, w0, w1, w2, w3, p, q, xi, x, end;
  // clang-format off
#define PICO_LLAMA_TWO_ROW_PAIRS(W0, W1, L0, L1) \
      "ldrd   %[p], %[q], [%[words]], #8 \n" \
      "smlad  %[" W0 "], %[p], %[xi], %[" W0 "] \n" \
      "sxtb16 %[p], %[p] \n" \
      "smlad  %[" W1 "], %[q], %[xi], %[" W1 "] \n" \
      "sxtb16 %[q], %[q] \n" \
      "smlad  %[" L0 "], %[p], %[xi], %[" L0 "] \n" \
      "smlad  %[" L1 "], %[q], %[xi], %[" L1 "] \n"
#define PICO_LLAMA_COLUMN_PAIR \
      PICO_LLAMA_TWO_ROW_PAIRS("w0", "w1", "l0", "l1") \
      PICO_LLAMA_TWO_ROW_PAIRS("w2", "w3", "l2", "l3")
#define PICO_LLAMA_FIRST_TWO_ROW_PAIRS(W0, W1, L0, L1) \
      "ldrd   %[p], %[q], [%[words]], #8 \n" \
      "smuad  %[" W0 "], %[p], %[xi] \n" \
      "sxtb16 %[p], %[p] \n" \
      "smuad  %[" W1 "], %[q], %[xi] \n" \
      "sxtb16 %[q], %[q] \n" \
      "smuad  %[" L0 "], %[p], %[xi] \n" \
      "smuad  %[" L1 "], %[q], %[xi] \n"
  __asm__ volatile(
      "1: \n"  // a block
      "vldmia %[words]!, {s8-s15} \n"
      "vldr   s0, %[x_scale] \n"
      "ldr    %[x], %[before] \n"
      "ldr    %[end], %[first_end] \n"
      "vmul.f32 s8, s8, s0 \n"
      "vmul.f32 s9, s9, s0 \n"
      "vmul.f32 s10, s10, s0 \n"
      "vmul.f32 s11, s11, s0 \n"
      "vmul.f32 s12, s12, s0 \n"
      "vmul.f32 s13, s13, s0 \n"
      "vmul.f32 s14, s14, s0 \n"
      "vmul.f32 s15, s15, s0 \n"
      "sub    %[xi], %[end], %[x] \n"
      "ands   %[xi], %[xi], #24 \n"  // pairs modulo 8
      "bne    4f \n"
      "ldr    %[xi], [%[x], #4] \n"
      PICO_LLAMA_FIRST_TWO_ROW_PAIRS("w0", "w1", "l0", "l1")
      PICO_LLAMA_FIRST_TWO_ROW_PAIRS("w2", "w3", "l2", "l3")
      "ldr    %[xi], [%[x], #8] \n"
      "b      31f \n"
      ".balign 4 \n"
      "3: \n"
      PICO_LLAMA_COLUMN_PAIR
      "ldr    %[xi], [%[x], #8] \n"
      "31: \n"
      PICO_LLAMA_COLUMN_PAIR
      "32: \n"
      "ldr    %[xi], [%[x], #12] \n"
      PICO_LLAMA_COLUMN_PAIR
      "ldr    %[xi], [%[x], #16] \n"
      PICO_LLAMA_COLUMN_PAIR
      "34: \n"
      "ldr    %[xi], [%[x], #20] \n"
      PICO_LLAMA_COLUMN_PAIR
      "ldr    %[xi], [%[x], #24] \n"
      PICO_LLAMA_COLUMN_PAIR
      "36: \n"
      "ldr    %[xi], [%[x], #28] \n"
      PICO_LLAMA_COLUMN_PAIR
      "ldr    %[xi], [%[x], #32]! \n"
      "cmp    %[x], %[end] \n"
      PICO_LLAMA_COLUMN_PAIR
      "ldr    %[xi], [%[x], #4] \n"  // the next pair; after the last one, unused
      "bne    3b \n"
      "ldr    %[xi], %[in_chunks] \n"
      "sub    %[w0], %[w0], %[l0] \n"
      "sub    %[w1], %[w1], %[l1] \n"
      "sub    %[w2], %[w2], %[l2] \n"
      "sub    %[w3], %[w3], %[l3] \n"
      "cbnz   %[xi], 61f \n"
      "7: \n"
      "vmov   s0, %[l0] \n"
      "vmov   s1, %[w0] \n"
      "vmov   s2, %[l1] \n"
      "vmov   s3, %[w1] \n"
      "vmov   s4, %[l2] \n"
      "vmov   s5, %[w2] \n"
      "vmov   s6, %[l3] \n"
      "vmov   s7, %[w3] \n"
      "vcvt.f32.s32 s0, s0 \n"
      "vcvt.f32.s32 s1, s1, #8 \n"
      "vcvt.f32.s32 s2, s2 \n"
      "vcvt.f32.s32 s3, s3, #8 \n"
      "vcvt.f32.s32 s4, s4 \n"
      "vcvt.f32.s32 s5, s5, #8 \n"
      "vcvt.f32.s32 s6, s6 \n"
      "vcvt.f32.s32 s7, s7, #8 \n"
      "vmul.f32 s0, s0, s8 \n"
      "vmul.f32 s1, s1, s9 \n"
      "vmul.f32 s2, s2, s10 \n"
      "vmul.f32 s3, s3, s11 \n"
      "ldr    %[xi], %[out] \n"
      "vmul.f32 s4, s4, s12 \n"
      "vmul.f32 s5, s5, s13 \n"
      "vmul.f32 s6, s6, s14 \n"
      "vmul.f32 s7, s7, s15 \n"
      "ldr    %[end], %[words_end] \n"
      "vstmia %[xi]!, {s0-s7} \n"
      "cmp    %[words], %[end] \n"
      "str    %[xi], %[out] \n"
      "bne    1b \n"
      "b      8f \n"
      "61: \n"
      "b      6f \n"
      "4: \n"
      "mov    %[w0], #0 \n"
      "mov    %[w1], #0 \n"
      "mov    %[w2], #0 \n"
      "mov    %[w3], #0 \n"
      "mov    %[l0], #0 \n"
      "mov    %[l1], #0 \n"
      "mov    %[l2], #0 \n"
      "mov    %[l3], #0 \n"
      "5: \n"  // the first iteration does pairs % 8 pairs, xi = 4 times that; x goes back to suit its offsets
      "sub    %[x], %[x], #32 \n"
      "add    %[x], %[x], %[xi] \n"
      "cmp    %[xi], #16 \n"
      "beq    34b \n"
      "bhi    32b \n"
      "b      36b \n"
      "6: \n"  // the end of a chunk
      "ldr    %[xi], %[totals] \n"
      "ldrd   %[p], %[q], [%[xi]] \n"
      "add    %[w0], %[p], %[w0], asr #8 \n"
      "add    %[w1], %[q], %[w1], asr #8 \n"
      "ldrd   %[p], %[q], [%[xi], #8] \n"
      "add    %[w2], %[p], %[w2], asr #8 \n"
      "add    %[w3], %[q], %[w3], asr #8 \n"
      "ldr    %[q], %[last] \n"
      "mov    %[p], #0 \n"
      "cmp    %[end], %[q] \n"
      "beq    9f \n"
      "strd   %[w0], %[w1], [%[xi]] \n"
      "strd   %[w2], %[w3], [%[xi], #8] \n"
      "mov    %[w0], %[l0] \n"
      "mov    %[w1], %[l1] \n"
      "mov    %[w2], %[l2] \n"
      "mov    %[w3], %[l3] \n"
      "ldr    %[p], %[chunk_bytes] \n"
      "add    %[end], %[end], %[p] \n"
      "cmp    %[end], %[q] \n"
      "it     hi \n"
      "movhi  %[end], %[q] \n"
      "sub    %[xi], %[end], %[x] \n"
      "ands   %[xi], %[xi], #24 \n"
      "bne    5b \n"
      "ldr    %[xi], [%[x], #4] \n"
      "b      3b \n"
      "9: \n"  // end of the row: totals are not multiplied by 256, so multiply their scales by 256
      "strd   %[p], %[p], [%[xi]] \n"
      "strd   %[p], %[p], [%[xi], #8] \n"
      "vmov.f32 s0, #16.0 \n"
      "vmul.f32 s0, s0, s0 \n"
      "vmul.f32 s9, s9, s0 \n"
      "vmul.f32 s11, s11, s0 \n"
      "vmul.f32 s13, s13, s0 \n"
      "vmul.f32 s15, s15, s0 \n"
      "b      7b \n"
      "8: \n"
      : [words] "+r"(words), [x] "=&l"(x), [xi] "=&l"(xi), [end] "=&r"(end), [p] "=&r"(p), [q] "=&r"(q),
        [l0] "=&r"(l0), [l1] "=&r"(l1), [l2] "=&r"(l2), [l3] "=&r"(l3),
        [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3),
        [out] "+m"(out)
      : [before] "m"(before), [first_end] "m"(first_end), [last] "m"(last), [in_chunks] "m"(in_chunks), [totals] "m"(totals),
        [chunk_bytes] "m"(chunk_bytes), [words_end] "m"(words_end), [x_scale] "m"(x_scale)
      : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13",
        "s14", "s15");
#undef PICO_LLAMA_COLUMN_PAIR
#undef PICO_LLAMA_FIRST_TWO_ROW_PAIRS
#undef PICO_LLAMA_TWO_ROW_PAIRS
  // clang-format on
}

}  // namespace pico_llama::dsp
