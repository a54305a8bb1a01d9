// The loop of softmax_fixed in assembly: it needs all 14 registers, and two interleaved elements hide the
// latency of its multiplications.
#pragma once
#include <cstddef>

#include "engine/kernels/softmax_fixed/softmax_loop_args.h"

namespace pico_llama::dsp {

// The offsets from r0 below.
static_assert(offsetof(SoftmaxPairs, at) == 0 && offsetof(SoftmaxPairs, end) == 4 &&
              offsetof(SoftmaxPairs, table) == 8 && offsetof(SoftmaxPairs, slope) == 12 &&
              offsetof(SoftmaxPairs, bend) == 16 && offsetof(SoftmaxPairs, sum) == 24 &&
              offsetof(SoftmaxPairs, max) == 32 && offsetof(SoftmaxPairs, factor) == 36);

/// SoftmaxFixed, in place. Cost: 17 cycles per element.
// r0        at                    s0-s1  two elements
// r1        end                   s2     max
// r2        table                 s3     factor
// r3        2^31
// r4, r5    bend, slope
// r6-r7     sum
// r8-r9     x of the two elements, then its integer part: the shift count
// r10-r11   position within the segment, then the weight
// r12, lr   slope at that position, then the table's value
[[gnu::noipa, gnu::naked]] inline void softmax_pairs(SoftmaxPairs& /*p*/) {
  __asm__ volatile(
      "push   {r0, r4-r11, lr} \n"
      "vldr   s2, [r0, #32] \n"
      "vldr   s3, [r0, #36] \n"
      "ldrd   r6, r7, [r0, #24] \n"
      "ldr    r5, [r0, #12] \n"
      "ldr    r4, [r0, #16] \n"
      "ldm    r0, {r0-r2} \n"
      "mov    r3, #0x80000000 \n"
      ".balign 4 \n"
      "1: \n"
      "vldmia r0, {s0-s1} \n"
      "vsub.f32 s0, s2, s0 \n"
      "vsub.f32 s1, s2, s1 \n"
      "vmul.f32 s0, s0, s3 \n"
      "vmul.f32 s1, s1, s3 \n"
      "vcvt.u32.f32 s0, s0 \n"
      "vcvt.u32.f32 s1, s1 \n"
      "vmov   r8, s0 \n"
      "vmov   r9, s1 \n"
      "eor    r10, r3, r8, lsl #10 \n"
      "eor    r11, r3, r9, lsl #10 \n"
      "smmls  r12, r10, r4, r5 \n"
      "smmls  lr, r11, r4, r5 \n"
      "smmul  r10, r10, r12 \n"
      "smmul  r11, r11, lr \n"
      "ubfx   r12, r8, #22, #5 \n"
      "ubfx   lr, r9, #22, #5 \n"
      "ldr    r12, [r2, r12, lsl #2] \n"
      "ldr    lr, [r2, lr, lsl #2] \n"
      "lsr    r8, r8, #27 \n"
      "smmls  r10, r12, r10, r12 \n"
      "smmls  r11, lr, r11, lr \n"
      "lsr    r9, r9, #27 \n"
      "lsr    r10, r10, r8 \n"
      "lsr    r11, r11, r9 \n"
      "strd   r10, r11, [r0], #8 \n"
      "adds   r6, r6, r10 \n"
      "adc    r7, r7, #0 \n"
      "adds   r6, r6, r11 \n"
      "adc    r7, r7, #0 \n"
      "cmp    r0, r1 \n"
      "bne    1b \n"
      "pop    {r0, r4-r5} \n"
      "strd   r6, r7, [r0, #24] \n"
      "pop    {r6-r11, pc} \n");
}

}  // namespace pico_llama::dsp
