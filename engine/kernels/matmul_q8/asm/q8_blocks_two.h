// The two-token q8 matmul in assembly: each word and its SXTB16 serve both tokens. The registers hold the
// sums of four rows, so a block is computed in two halves.
#pragma once
#include <cstdint>

#include "engine/kernels/matmul_q8/q8_blocks_args.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama::dsp {

static_assert(kQ8ScaleBytes == 32, "the words of rows 0 and 4 begin 32 and 40 bytes into a block");

/// Requires: as q8_blocks().
/// Cost: 14 cycles per column pair (16 MACs: four rows, two tokens), 4 per 8 pairs, 78 per half block, 145
/// per call.
[[gnu::noinline]] inline void q8_blocks_two(const Q8BlocksTwo& a) {
  const char* const x_begin = static_cast<const char*>(a.x);
  const char* const last = x_begin + 8 * a.pairs;
  const bool chunked = a.chunk_pairs < a.pairs;
  const int in_chunks = chunked;
  const int chunk_bytes = 8 * a.chunk_pairs;
  const char* const first_end = chunked ? x_begin + chunk_bytes : last;
  const int stride_bytes = 4 * a.out_stride;
  uint32_t total[4] = {};
  uint32_t* const totals = total;
  // First rows 0-3 of all blocks, then rows 4-7 of all: `words` advances from one block to the next by a
  // constant.
  for (int half = 0; half < 2; ++half) {
    const char* words = static_cast<const char*>(a.words) + 32 + 8 * half;
    const char* const stop = static_cast<const char*>(a.words_end) + 32 + 8 * half;
    const int to_scales = 8 * half - 32;
    float* out = a.out + 4 * half;
    // w and l: sums of words and of low bytes, by row pair and token.
    uint32_t w00, w01, w10, w11, l00, l01, l10, l11, q, x1;
    const char* p = first_end;    // scratch once its first value is in s16
    const float* x0 = a.x_scale;  // scratch once the scales are in s19 and s20
    const char* x = x_begin;
    // clang-format off
#define PICO_LLAMA_COLUMN_PAIR(MAC, ADD_W00, ADD_W01, ADD_W10, ADD_W11, ADD_L00, ADD_L01, ADD_L10, ADD_L11) \
      "ldrd   %[p], %[q], [%[words]], #16 \n" \
      "ldrd   %[x0], %[x1], [%[x]], #8 \n" \
      MAC "   %[w00], %[p], %[x0]" ADD_W00 " \n" \
      MAC "   %[w10], %[q], %[x0]" ADD_W10 " \n" \
      MAC "   %[w01], %[p], %[x1]" ADD_W01 " \n" \
      "sxtb16 %[p], %[p] \n" \
      MAC "   %[w11], %[q], %[x1]" ADD_W11 " \n" \
      "sxtb16 %[q], %[q] \n" \
      MAC "   %[l00], %[p], %[x0]" ADD_L00 " \n" \
      MAC "   %[l01], %[p], %[x1]" ADD_L01 " \n" \
      MAC "   %[l10], %[q], %[x0]" ADD_L10 " \n" \
      MAC "   %[l11], %[q], %[x1]" ADD_L11 " \n"
#define PICO_LLAMA_FIRST_PAIR PICO_LLAMA_COLUMN_PAIR("smuad", "", "", "", "", "", "", "", "")
#define PICO_LLAMA_NEXT_PAIR \
      PICO_LLAMA_COLUMN_PAIR("smlad", ", %[w00]", ", %[w01]", ", %[w10]", ", %[w11]", \
                             ", %[l00]", ", %[l01]", ", %[l10]", ", %[l11]")
    __asm__ volatile(
      "vldmia %[x0], {s19-s20} \n"
      "sub    %[q], %[p], %[x] \n"
      "sub    %[q], %[q], #16 \n"  // the first pair is outside the loop
      "ubfx   %[q], %[q], #3, #3 \n"
      "vmov   s16, %[p] \n"  // where the chunk of x ends
      "vmov   s17, %[q] \n"
      "1: \n"  // half a block
      "ldr    %[q], %[to_scales] \n"
      "ldr    %[x], %[x_begin] \n"
      "add    %[q], %[q], %[words] \n"
      "vldmia %[q], {s8-s11} \n"
      "vmul.f32 s12, s8, s20 \n"
      "vmul.f32 s13, s9, s20 \n"
      "vmul.f32 s14, s10, s20 \n"
      "vmul.f32 s15, s11, s20 \n"
      "vmul.f32 s8, s8, s19 \n"
      "vmul.f32 s9, s9, s19 \n"
      "vmul.f32 s10, s10, s19 \n"
      "vmul.f32 s11, s11, s19 \n"
      PICO_LLAMA_FIRST_PAIR
      "vmov   %[q], s17 \n"
      ".balign 4 \n"
      "2: \n"  // enter the loop so that it ends with the chunk: q is (pairs - 1) % 8
      "tbb    [pc, %[q]] \n"
      "20: \n"  // halfwords from here to the loop's last, ..., first pair
      ".byte  (28f - 20b) / 2, (27f - 20b) / 2, (26f - 20b) / 2, (25f - 20b) / 2 \n"
      ".byte  (24f - 20b) / 2, (23f - 20b) / 2, (22f - 20b) / 2, (21f - 20b) / 2 \n"
      "3: \n"
      "21: \n" PICO_LLAMA_NEXT_PAIR
      "22: \n" PICO_LLAMA_NEXT_PAIR
      "23: \n" PICO_LLAMA_NEXT_PAIR
      "24: \n" PICO_LLAMA_NEXT_PAIR
      "25: \n" PICO_LLAMA_NEXT_PAIR
      "26: \n" PICO_LLAMA_NEXT_PAIR
      "27: \n" PICO_LLAMA_NEXT_PAIR
      "28: \n" PICO_LLAMA_NEXT_PAIR
      "vmov   %[p], s16 \n"
      "cmp    %[x], %[p] \n"
      "bne    3b \n"
      "ldr    %[x0], %[in_chunks] \n"
      "sub    %[w00], %[w00], %[l00] \n"
      "sub    %[w01], %[w01], %[l01] \n"
      "sub    %[w10], %[w10], %[l10] \n"
      "sub    %[w11], %[w11], %[l11] \n"
      "cmp    %[x0], #0 \n"
      "bne    5f \n"
      "4: \n"
      "vmov   s0, %[l00] \n"
      "vmov   s1, %[w00] \n"
      "vmov   s2, %[l10] \n"
      "vmov   s3, %[w10] \n"
      "vmov   s4, %[l01] \n"
      "vmov   s5, %[w01] \n"
      "vmov   s6, %[l11] \n"
      "vmov   s7, %[w11] \n"
      "vcvt.f32.s32 s0, s0 \n"
      "vcvt.f32.s32 s1, s1, #8 \n"
      "vcvt.f32.s32 s2, s2 \n"
      "vcvt.f32.s32 s3, s3, #8 \n"
      "vcvt.f32.s32 s4, s4 \n"
      "vcvt.f32.s32 s5, s5, #8 \n"
      "vcvt.f32.s32 s6, s6 \n"
      "vcvt.f32.s32 s7, s7, #8 \n"
      "ldr    %[p], %[out] \n"
      "ldr    %[q], %[stride_bytes] \n"
      "vmul.f32 s0, s0, s8 \n"
      "vmul.f32 s1, s1, s9 \n"
      "vmul.f32 s2, s2, s10 \n"
      "vmul.f32 s3, s3, s11 \n"
      "vmul.f32 s4, s4, s12 \n"
      "vmul.f32 s5, s5, s13 \n"
      "vmul.f32 s6, s6, s14 \n"
      "vmul.f32 s7, s7, s15 \n"
      "add    %[q], %[q], %[p] \n"
      "vstmia %[p], {s0-s3} \n"
      "vstmia %[q], {s4-s7} \n"
      "ldr    %[x0], %[stop] \n"
      "add    %[p], %[p], #32 \n"
      "add    %[words], %[words], #32 \n"
      "str    %[p], %[out] \n"
      "cmp    %[words], %[x0] \n"
      "bne    1b \n"
      "b      7f \n"
      "5: \n"  // the end of a chunk
      "ldr    %[x0], %[totals] \n"
      "ldrd   %[p], %[q], [%[x0]] \n"
      "add    %[w00], %[p], %[w00], asr #8 \n"
      "add    %[w01], %[q], %[w01], asr #8 \n"
      "ldrd   %[p], %[q], [%[x0], #8] \n"
      "add    %[w10], %[p], %[w10], asr #8 \n"
      "add    %[w11], %[q], %[w11], asr #8 \n"
      "vmov   %[p], s16 \n"
      "ldr    %[q], %[last] \n"
      "mov    %[x1], #0 \n"
      "cmp    %[p], %[q] \n"
      "beq    6f \n"
      "strd   %[w00], %[w01], [%[x0]] \n"
      "strd   %[w10], %[w11], [%[x0], #8] \n"
      "mov    %[w00], %[l00] \n"
      "mov    %[w01], %[l01] \n"
      "mov    %[w10], %[l10] \n"
      "mov    %[w11], %[l11] \n"
      "ldr    %[x0], %[chunk_bytes] \n"
      "add    %[p], %[p], %[x0] \n"
      "cmp    %[p], %[q] \n"
      "it     hi \n"
      "movhi  %[p], %[q] \n"
      "vmov   s16, %[p] \n"
      "sub    %[q], %[p], %[x] \n"
      "sub    %[q], %[q], #8 \n"
      "ubfx   %[q], %[q], #3, #3 \n"
      "b      2b \n"
      "6: \n"  // end of the row: totals are not multiplied by 256, so multiply their scales by 256
      "ldr    %[p], %[first_end] \n"
      "strd   %[x1], %[x1], [%[x0]] \n"
      "strd   %[x1], %[x1], [%[x0], #8] \n"
      "vmov   s16, %[p] \n"
      "vmov.f32 s0, #16.0 \n"
      "vmul.f32 s0, s0, s0 \n"
      "vmul.f32 s9, s9, s0 \n"
      "vmul.f32 s11, s11, s0 \n"
      "vmul.f32 s13, s13, s0 \n"
      "vmul.f32 s15, s15, s0 \n"
      "b      4b \n"
      "7: \n"
      : [words] "+r"(words), [p] "+r"(p), [q] "=&r"(q), [x0] "+l"(x0), [x1] "=&r"(x1), [x] "+r"(x),
        [w00] "=&r"(w00), [w01] "=&r"(w01), [w10] "=&r"(w10), [w11] "=&r"(w11),
        [l00] "=&r"(l00), [l01] "=&r"(l01), [l10] "=&r"(l10), [l11] "=&r"(l11), [out] "+m"(out)
      : [x_begin] "m"(x_begin), [first_end] "m"(first_end), [last] "m"(last), [in_chunks] "m"(in_chunks),
        [chunk_bytes] "m"(chunk_bytes), [totals] "m"(totals), [stop] "m"(stop), [to_scales] "m"(to_scales),
        [stride_bytes] "m"(stride_bytes)
      : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13",
        "s14", "s15", "s16", "s17", "s19", "s20");
#undef PICO_LLAMA_NEXT_PAIR
#undef PICO_LLAMA_FIRST_PAIR
#undef PICO_LLAMA_COLUMN_PAIR
    // clang-format on
  }
}

}  // namespace pico_llama::dsp
