// exp(), lane sums and VCVT on 8 floats, operation for operation those of engine/math/exp.h,
// engine/math/lanes.h and engine/math/fixed.h.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace pico_llama::avx2 {
namespace {

// Constants repeated, not included: see kernels.h. tests/engine/kernels_test.cpp compares bit for bit.
inline __m256 exp8(__m256 x) {
  const auto all = [](float v) { return _mm256_set1_ps(v); };
  x = _mm256_min_ps(all(88.0f), _mm256_max_ps(all(-87.0f), x));
  const __m256 shifted = _mm256_add_ps(_mm256_mul_ps(x, all(1.44269502f)), all(12582912.0f));
  const __m256 n = _mm256_sub_ps(shifted, all(12582912.0f));
  const __m256 r = _mm256_sub_ps(_mm256_sub_ps(x, _mm256_mul_ps(n, all(0.693145752f))),
                                 _mm256_mul_ps(n, all(1.42860677e-06f)));
  __m256 poly = _mm256_add_ps(_mm256_mul_ps(all(0.0013926184f), r), all(0.00836317893f));
  poly = _mm256_add_ps(_mm256_mul_ps(poly, r), all(0.0416665561f));
  poly = _mm256_add_ps(_mm256_mul_ps(poly, r), all(0.166665763f));
  poly = _mm256_add_ps(_mm256_mul_ps(poly, r), all(0.5f));
  const __m256 y = _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(_mm256_mul_ps(r, r), poly), r), all(1.0f));
  return _mm256_castsi256_ps(
      _mm256_add_epi32(_mm256_castps_si256(y), _mm256_slli_epi32(_mm256_castps_si256(shifted), 23)));
}

/// VCVT's truncation and saturation. AVX2 gives INT32_MIN for whatever does not fit, NaN too.
inline __m256i to_fixed8(__m256 x) {
  const __m256i truncated = _mm256_cvttps_epi32(x);
  const __m256 too_large = _mm256_cmp_ps(x, _mm256_set1_ps(2147483648.0f), _CMP_GE_OQ);
  const __m256 number = _mm256_cmp_ps(x, x, _CMP_ORD_Q);
  const __m256i fixed =
      _mm256_blendv_epi8(truncated, _mm256_set1_epi32(INT32_MAX), _mm256_castps_si256(too_large));
  return _mm256_and_si256(fixed, _mm256_castps_si256(number));
}

/// ((0+4)+(2+6)) + ((1+5)+(3+7)).
inline float add_lanes8(__m256 lanes) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// All ones in the first n of 8 lanes.
inline __m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace
}  // namespace pico_llama::avx2
