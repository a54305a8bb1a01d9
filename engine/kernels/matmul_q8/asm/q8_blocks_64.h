// The single-token q8 matmul for rows of 64 columns (all of stories260K's matrices except w2), fully
// unrolled: only the products remain, plus 56 cycles per block for its 8 scales and sums.
#pragma once
#include <cstdint>

namespace pico_llama::dsp {

/// Consecutive blocks up to words_end times the 32 words of x, as q8_blocks() with 32 pairs in one chunk.
/// Requires: at least one block. Cost: 600 cycles per block (17 per column pair of 16 MACs), 37 per call.
// r0        words                         r6-r9         sums of low bytes, one per row pair
// r1        x                             r10-r12, lr   sums of whole words
// r2        column pair of x              s4            x_scale
// r3        out                           s8-s15        the block's scales
// r4-r5     weight words                  [sp]          words_end
// The backward branch is 16-bit (its range just suffices) and follows a 16-bit load: one cycle.
[[gnu::noipa, gnu::naked]] inline void q8_blocks_64(const void* /*words*/, const void* /*x*/,
                                                    const void* /*words_end*/, float* /*out*/,
                                                    float /*x_scale*/) {
  // clang-format off
#define PICO_LLAMA_ROWS(MAC, W0, W1, L0, L1, ADD_W0, ADD_W1, ADD_L0, ADD_L1) \
      "ldrd   r4, r5, [r0], #8 \n" \
      MAC " " W0 ", r4, r2" ADD_W0 " \n" \
      "sxtb16 r4, r4 \n" \
      MAC " " W1 ", r5, r2" ADD_W1 " \n" \
      "sxtb16 r5, r5 \n" \
      MAC " " L0 ", r4, r2" ADD_L0 " \n" \
      MAC " " L1 ", r5, r2" ADD_L1 " \n"
#define PICO_LLAMA_PAIR(OFFSET) \
      "ldr    r2, [r1, #" #OFFSET "] \n" \
      PICO_LLAMA_ROWS("smlad", "r10", "r11", "r6", "r7", ", r10", ", r11", ", r6", ", r7") \
      PICO_LLAMA_ROWS("smlad", "r12", "lr", "r8", "r9", ", r12", ", lr", ", r8", ", r9")
#define PICO_LLAMA_OUT(L0, W0, L1, W1, S0, S1, S2, S3) /* subtract S_A from 256 * S_B + S_A; VCVT divides by 256 */ \
      "sub    " W0 ", " W0 ", " L0 " \n" \
      "sub    " W1 ", " W1 ", " L1 " \n" \
      "vmov   s0, " L0 " \n" \
      "vmov   s1, " W0 " \n" \
      "vmov   s2, " L1 " \n" \
      "vmov   s3, " W1 " \n" \
      "vcvt.f32.s32 s0, s0 \n" \
      "vcvt.f32.s32 s1, s1, #8 \n" \
      "vcvt.f32.s32 s2, s2 \n" \
      "vcvt.f32.s32 s3, s3, #8 \n" \
      "vmul.f32 s0, s0, " S0 " \n" \
      "vmul.f32 s1, s1, " S1 " \n" \
      "vmul.f32 s2, s2, " S2 " \n" \
      "vmul.f32 s3, s3, " S3 " \n" \
      "vstmia r3!, {s0-s3} \n"
  __asm__(
      "push   {r2, r4-r11, lr} \n"
      "vldr   s4, [sp, #40] \n"
      "ldr    r2, [r1] \n"
      ".balign 4 \n"
      "1: \n"  // a block
      "vldmia r0!, {s8-s15} \n"
      "vmul.f32 s8, s8, s4 \n"
      "vmul.f32 s9, s9, s4 \n"
      "vmul.f32 s10, s10, s4 \n"
      "vmul.f32 s11, s11, s4 \n"
      "vmul.f32 s12, s12, s4 \n"
      "vmul.f32 s13, s13, s4 \n"
      "vmul.f32 s14, s14, s4 \n"
      "vmul.f32 s15, s15, s4 \n"
      PICO_LLAMA_ROWS("smuad", "r10", "r11", "r6", "r7", "", "", "", "")
      PICO_LLAMA_ROWS("smuad", "r12", "lr", "r8", "r9", "", "", "", "")
      PICO_LLAMA_PAIR(4) PICO_LLAMA_PAIR(8) PICO_LLAMA_PAIR(12) PICO_LLAMA_PAIR(16) PICO_LLAMA_PAIR(20)
      PICO_LLAMA_PAIR(24) PICO_LLAMA_PAIR(28) PICO_LLAMA_PAIR(32) PICO_LLAMA_PAIR(36) PICO_LLAMA_PAIR(40)
      PICO_LLAMA_PAIR(44) PICO_LLAMA_PAIR(48) PICO_LLAMA_PAIR(52) PICO_LLAMA_PAIR(56) PICO_LLAMA_PAIR(60)
      PICO_LLAMA_PAIR(64) PICO_LLAMA_PAIR(68) PICO_LLAMA_PAIR(72) PICO_LLAMA_PAIR(76) PICO_LLAMA_PAIR(80)
      PICO_LLAMA_PAIR(84) PICO_LLAMA_PAIR(88) PICO_LLAMA_PAIR(92) PICO_LLAMA_PAIR(96) PICO_LLAMA_PAIR(100)
      PICO_LLAMA_PAIR(104) PICO_LLAMA_PAIR(108) PICO_LLAMA_PAIR(112) PICO_LLAMA_PAIR(116) PICO_LLAMA_PAIR(120)
      PICO_LLAMA_PAIR(124)
      PICO_LLAMA_OUT("r6", "r10", "r7", "r11", "s8", "s9", "s10", "s11")
      "ldr    r4, [sp] \n"
      PICO_LLAMA_OUT("r8", "r12", "r9", "lr", "s12", "s13", "s14", "s15")
      "cmp    r0, r4 \n"
      "beq    2f \n"
      "ldr    r2, [r1] \n"
      "b.n    1b \n"
      "2: \n"
      "add    sp, #4 \n"
      "pop    {r4-r11, pc} \n");
#undef PICO_LLAMA_OUT
#undef PICO_LLAMA_PAIR
#undef PICO_LLAMA_ROWS
  // clang-format on
}

}  // namespace pico_llama::dsp
