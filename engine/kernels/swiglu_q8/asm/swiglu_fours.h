// SwiGLU with a piecewise linear sigmoid, four elements at a time, in assembly: GCC 12 loads and stores
// elements one by one, masks instead of using BFI, and takes 24 cycles per element.
#pragma once
#include <bit>
#include <cstdint>

namespace pico_llama::dsp {

/// SwiGluQ8 of n elements; returns the largest |hb[i]| afterwards. middle: of kSigmoidTable
/// (sigmoid_fixed.h), whose 128 lines are 2^13 wide. Requires: n a multiple of 4, above 0. Cost: 17 cycles
/// per element.
inline float swiglu_fours(float* hb, const float* hb2, int n, const uint32_t* middle) {
  const float* const end = hb2 + n;
  uint32_t a0 = std::bit_cast<uint32_t>(65536.0f);
  uint32_t a1, a2, a3, b0, b1, b2, b3;
  // low half: 1 << 13, the factor of the segment's start; high half: position within the segment
  uint32_t factors = 1u << 13;
  // clang-format off
  __asm__ volatile(
      "vmov   s14, %[a0] \n"
      "vsub.f32 s12, s14, s14 \n"
      "vsub.f32 s13, s14, s14 \n"
      ".balign 4 \n"
      "1: \n"
      "vldmia %[hb], {s0-s3} \n"
      "vldmia %[hb2]!, {s4-s7} \n"
      "vmul.f32 s8, s0, s14 \n"
      "vmul.f32 s9, s1, s14 \n"
      "vmul.f32 s10, s2, s14 \n"
      "vmul.f32 s11, s3, s14 \n"
      "vcvt.s32.f32 s8, s8 \n"
      "vcvt.s32.f32 s9, s9 \n"
      "vcvt.s32.f32 s10, s10 \n"
      "vcvt.s32.f32 s11, s11 \n"
      "vmov   %[a0], s8 \n"
      "vmov   %[a1], s9 \n"
      "vmov   %[a2], s10 \n"
      "vmov   %[a3], s11 \n"
      "ssat   %[b0], #7, %[a0], asr #13 \n"
      "ssat   %[b1], #7, %[a1], asr #13 \n"
      "ssat   %[b2], #7, %[a2], asr #13 \n"
      "ssat   %[b3], #7, %[a3], asr #13 \n"
      "ldr    %[b0], [%[middle], %[b0], lsl #2] \n"
      "ldr    %[b1], [%[middle], %[b1], lsl #2] \n"
      "ldr    %[b2], [%[middle], %[b2], lsl #2] \n"
      "ldr    %[b3], [%[middle], %[b3], lsl #2] \n"
      "bfi    %[factors], %[a0], #16, #13 \n"
      "smuad  %[a0], %[b0], %[factors] \n"
      "bfi    %[factors], %[a1], #16, #13 \n"
      "smuad  %[a1], %[b1], %[factors] \n"
      "bfi    %[factors], %[a2], #16, #13 \n"
      "smuad  %[a2], %[b2], %[factors] \n"
      "bfi    %[factors], %[a3], #16, #13 \n"
      "smuad  %[a3], %[b3], %[factors] \n"
      "vmov   s8, %[a0] \n"
      "vmov   s9, %[a1] \n"
      "vmov   s10, %[a2] \n"
      "vmov   s11, %[a3] \n"
      "vcvt.f32.s32 s8, s8, #28 \n"
      "vcvt.f32.s32 s9, s9, #28 \n"
      "vcvt.f32.s32 s10, s10, #28 \n"
      "vcvt.f32.s32 s11, s11, #28 \n"
      "vmul.f32 s0, s0, s8 \n"
      "vmul.f32 s1, s1, s9 \n"
      "vmul.f32 s2, s2, s10 \n"
      "vmul.f32 s3, s3, s11 \n"
      "vmul.f32 s0, s0, s4 \n"
      "vmul.f32 s1, s1, s5 \n"
      "vmul.f32 s2, s2, s6 \n"
      "vmul.f32 s3, s3, s7 \n"
      "vmaxnm.f32 s12, s12, s0 \n vminnm.f32 s13, s13, s0 \n"
      "vmaxnm.f32 s12, s12, s1 \n vminnm.f32 s13, s13, s1 \n"
      "vmaxnm.f32 s12, s12, s2 \n vminnm.f32 s13, s13, s2 \n"
      "vmaxnm.f32 s12, s12, s3 \n vminnm.f32 s13, s13, s3 \n"
      "cmp    %[hb2], %[end] \n"
      "vstmia %[hb]!, {s0-s3} \n"
      "bne    1b \n"
      "vmov   %[a0], s12 \n"
      "vmov   %[a1], s13 \n"
      : [hb] "+r"(hb), [hb2] "+r"(hb2), [factors] "+r"(factors), [a0] "+r"(a0),
        [a1] "=&r"(a1), [a2] "=&r"(a2), [a3] "=&r"(a3), [b0] "=&r"(b0), [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
      : [end] "r"(end), [middle] "r"(middle)
      : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14");
  // clang-format on
  const auto most = std::bit_cast<float>(a0), least = std::bit_cast<float>(a1);
  return most > -least ? most : -least;
}

}  // namespace pico_llama::dsp
