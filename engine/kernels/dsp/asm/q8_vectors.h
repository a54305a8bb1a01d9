// Vectorised q8 input kernels, eight elements at a time: VLDM loads them, and eight independent operations in
// a row hide each other's latency. GCC 12 loads each element on its own and keeps too few in flight
// (rmsnorm_q8 took 22 cycles per element, quantize_q8 15).
#pragma once
#include <cstdint>

#include "engine/math/round.h"

namespace pico_llama::dsp {

// clang-format off
#define PICO_LLAMA_8(OP, D, N, M) /* OP d, n, m for three runs of eight registers */ \
      OP " " D(0) ", " N(0) ", " M(0) " \n" OP " " D(1) ", " N(1) ", " M(1) " \n" \
      OP " " D(2) ", " N(2) ", " M(2) " \n" OP " " D(3) ", " N(3) ", " M(3) " \n" \
      OP " " D(4) ", " N(4) ", " M(4) " \n" OP " " D(5) ", " N(5) ", " M(5) " \n" \
      OP " " D(6) ", " N(6) ", " M(6) " \n" OP " " D(7) ", " N(7) ", " M(7) " \n"
#define PICO_LLAMA_LOW(i) "s" #i        /* s0 to s7 */
#define PICO_LLAMA_HIGH(i) PICO_LLAMA_HIGH_##i /* s8 to s15 */
#define PICO_LLAMA_HIGH_0 "s8"
#define PICO_LLAMA_HIGH_1 "s9"
#define PICO_LLAMA_HIGH_2 "s10"
#define PICO_LLAMA_HIGH_3 "s11"
#define PICO_LLAMA_HIGH_4 "s12"
#define PICO_LLAMA_HIGH_5 "s13"
#define PICO_LLAMA_HIGH_6 "s14"
#define PICO_LLAMA_HIGH_7 "s15"
#define PICO_LLAMA_S16(i) "s16"
#define PICO_LLAMA_S17(i) "s17"
/// s16 = the maximum of it and s0 to s7; s17 = the minimum.
#define PICO_LLAMA_EXTREMES(i) "vmaxnm.f32 s16, s16, s" #i " \n vminnm.f32 s17, s17, s" #i " \n"
#define PICO_LLAMA_EXTREMES_OF_8 \
      PICO_LLAMA_EXTREMES(0) PICO_LLAMA_EXTREMES(1) PICO_LLAMA_EXTREMES(2) PICO_LLAMA_EXTREMES(3) \
      PICO_LLAMA_EXTREMES(4) PICO_LLAMA_EXTREMES(5) PICO_LLAMA_EXTREMES(6) PICO_LLAMA_EXTREMES(7)
/// s0 to s7 times s16, rounded by s17 = 1.5 * 2^23, to four words of int16.
#define PICO_LLAMA_STORE_ROUNDED_8 \
      PICO_LLAMA_8("vmul.f32", PICO_LLAMA_LOW, PICO_LLAMA_LOW, PICO_LLAMA_S16) \
      PICO_LLAMA_8("vadd.f32", PICO_LLAMA_LOW, PICO_LLAMA_LOW, PICO_LLAMA_S17) \
      "vmov   %[p], s0 \n vmov   %[q], s1 \n vmov   %[r], s2 \n vmov   %[t], s3 \n" \
      "pkhbt  %[p], %[p], %[q], lsl #16 \n" \
      "pkhbt  %[r], %[r], %[t], lsl #16 \n" \
      "str    %[p], [%[out]] \n" \
      "str    %[r], [%[out], %[step]] \n" \
      "vmov   %[p], s4 \n vmov   %[q], s5 \n vmov   %[r], s6 \n vmov   %[t], s7 \n" \
      "add    %[out], %[out], %[step], lsl #1 \n" \
      "pkhbt  %[p], %[p], %[q], lsl #16 \n" \
      "pkhbt  %[r], %[r], %[t], lsl #16 \n" \
      "cmp    %[x], %[end] \n" \
      "str    %[p], [%[out]] \n" \
      "str    %[r], [%[out], %[step]] \n" \
      "add    %[out], %[out], %[step], lsl #1 \n"
#define PICO_LLAMA_CLOBBERS_16 \
      "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", \
      "s15", "s16", "s17"

/// The largest |x[i]|; NaN ignored. Requires: n a multiple of 8. Cost: 3.5 cycles per element.
inline float max_abs_of(const float* x, int n) {
  const float* const end = x + n;
  float most = 0, least = 0;
  if (n == 0) return 0;
  __asm__ volatile(
      "vmov   s16, %[most] \n"
      "vmov   s17, %[least] \n"
      "1: \n"
      "vldmia %[x]!, {s0-s7} \n"
      PICO_LLAMA_EXTREMES_OF_8
      "cmp    %[x], %[end] \n"
      "bne    1b \n"
      "vmov   %[most], s16 \n"
      "vmov   %[least], s17 \n"
      : [x] "+r"(x), [most] "+r"(most), [least] "+r"(least)
      : [end] "r"(end)
      : PICO_LLAMA_CLOBBERS_16);
  return most > -least ? most : -least;
}

/// x[i] += more[i]; squares[i / 8] and the largest |w[i] * x[i]| as ResidualQ8 says. Requires: n a multiple of 8.
/// Cost: 10.5 cycles per element.
inline float add_and_measure(float* x, const float* more, const float* w, int n, float* squares) {
  const float* const end = x + n;
  float most = 0, least = 0;
  if (n == 0) return 0;
  __asm__ volatile(
      "vmov   s16, %[most] \n"
      "vmov   s17, %[least] \n"
      "1: \n"
      "vldmia %[x], {s0-s7} \n"
      "vldmia %[more]!, {s8-s15} \n"
      PICO_LLAMA_8("vadd.f32", PICO_LLAMA_LOW, PICO_LLAMA_LOW, PICO_LLAMA_HIGH)
      "vstmia %[x]!, {s0-s7} \n"
      PICO_LLAMA_8("vmul.f32", PICO_LLAMA_HIGH, PICO_LLAMA_LOW, PICO_LLAMA_LOW)
      "vadd.f32 s8, s8, s12 \n"
      "vadd.f32 s10, s10, s14 \n"
      "vadd.f32 s9, s9, s13 \n"
      "vadd.f32 s11, s11, s15 \n"
      "vadd.f32 s8, s8, s10 \n"
      "vadd.f32 s9, s9, s11 \n"
      "cmp    %[x], %[end] \n"
      "vadd.f32 s8, s8, s9 \n"
      "vstmia %[squares]!, {s8} \n"
      "vldmia %[w]!, {s8-s15} \n"
      PICO_LLAMA_8("vmul.f32", PICO_LLAMA_LOW, PICO_LLAMA_HIGH, PICO_LLAMA_LOW)
      PICO_LLAMA_EXTREMES_OF_8
      "bne    1b \n"
      "vmov   %[most], s16 \n"
      "vmov   %[least], s17 \n"
      : [x] "+r"(x), [more] "+r"(more), [w] "+r"(w), [squares] "+r"(squares), [most] "+r"(most), [least] "+r"(least)
      : [end] "r"(end)
      : PICO_LLAMA_CLOBBERS_16);
  return most > -least ? most : -least;
}

/// out[i] = round(x[i] * factor), column pairs `step` words apart. Requires: n a multiple of 8, out aligned to 4.
/// Cost: 5.8 cycles per element.
inline void store_rounded(const float* x, float factor, int n, int16_t* out, int step) {
  const float* const end = x + n;
  uint32_t p, q, r, t;
  if (n == 0) return;
  __asm__ volatile(
      "vmov   s16, %[factor] \n"
      "vmov   s17, %[magic] \n"
      "1: \n"
      "vldmia %[x]!, {s0-s7} \n"
      PICO_LLAMA_STORE_ROUNDED_8
      "bne    1b \n"
      : [x] "+r"(x), [out] "+r"(out), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r), [t] "=&r"(t)
      : [end] "r"(end), [step] "r"(4 * step), [factor] "r"(factor), [magic] "r"(kRoundToLowBits)
      : PICO_LLAMA_CLOBBERS_16);
}

/// out[i] = round((w[i] * x[i]) * factor), otherwise as store_rounded(). Cost: 7.8 cycles per element.
inline void store_rounded_product(const float* x, const float* w, float factor, int n, int16_t* out, int step) {
  const float* const end = x + n;
  uint32_t p, q, r, t;
  if (n == 0) return;
  __asm__ volatile(
      "vmov   s16, %[factor] \n"
      "vmov   s17, %[magic] \n"
      "1: \n"
      "vldmia %[x]!, {s0-s7} \n"
      "vldmia %[w]!, {s8-s15} \n"
      PICO_LLAMA_8("vmul.f32", PICO_LLAMA_LOW, PICO_LLAMA_HIGH, PICO_LLAMA_LOW)
      PICO_LLAMA_STORE_ROUNDED_8
      "bne    1b \n"
      : [x] "+r"(x), [w] "+r"(w), [out] "+r"(out), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r), [t] "=&r"(t)
      : [end] "r"(end), [step] "r"(4 * step), [factor] "r"(factor), [magic] "r"(kRoundToLowBits)
      : PICO_LLAMA_CLOBBERS_16);
}

#undef PICO_LLAMA_CLOBBERS_16
#undef PICO_LLAMA_STORE_ROUNDED_8
#undef PICO_LLAMA_EXTREMES_OF_8
#undef PICO_LLAMA_EXTREMES
#undef PICO_LLAMA_S17
#undef PICO_LLAMA_S16
#undef PICO_LLAMA_HIGH_7
#undef PICO_LLAMA_HIGH_6
#undef PICO_LLAMA_HIGH_5
#undef PICO_LLAMA_HIGH_4
#undef PICO_LLAMA_HIGH_3
#undef PICO_LLAMA_HIGH_2
#undef PICO_LLAMA_HIGH_1
#undef PICO_LLAMA_HIGH_0
#undef PICO_LLAMA_HIGH
#undef PICO_LLAMA_LOW
#undef PICO_LLAMA_8
// clang-format on

}  // namespace pico_llama::dsp
