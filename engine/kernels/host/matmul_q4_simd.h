// q4 matmul on any width of vector. A vector is column pairs of one block, two words each: rows 0..3, rows
// 4..7. A row's nibble, alone in the top of its half, is the weight times 2^12; what a group's 32 columns sum
// to is exact (SPEC.md, "Why q4 sums do not overflow"), and so is its product with the row's code.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "engine/kernels/arguments.h"

namespace pico_llama {
namespace {

constexpr int kRows = 8;
constexpr int kGroup = 32;
constexpr ptrdiff_t kWordBytes = kGroup / 2 * 8;
constexpr ptrdiff_t kGroupBytes = kWordBytes + kRows;

// The loops over rows and tokens are unrolled whatever GCC makes of their size: its arrays are registers
// then.
template <typename Simd, int kTokens>
void q4_block(const MatmulQ4& a, int block, int token) {
  using V = typename Simd::V;
  const int groups = (a.columns + kGroup - 1) / kGroup;
  const std::byte* base = a.weights + block * (ptrdiff_t{4} + groups * kGroupBytes);
  float scale;
  std::memcpy(&scale, base, sizeof scale);
  const std::byte* at = base + sizeof scale;
  V total[kTokens][4];  // row n in even lanes, row 4 + n in odd ones
#pragma GCC unroll 2
  for (auto& of_token : total)
#pragma GCC unroll 4
    for (V& row : of_token) row = Simd::zero();
  for (int group = 0; group < groups; ++group, at += kGroupBytes) {
    V sum[kTokens][4];
#pragma GCC unroll 4
    for (int pair = 0; pair < kGroup / 2; pair += Simd::kPairs) {
      const V w = Simd::load(at + ptrdiff_t{pair} * 8);
      V x[kTokens];
      for (int t = 0; t < kTokens; ++t)
        x[t] = Simd::load_x(a.x + (token + t) * a.x_stride + group * kGroup + 2 * pair);
      const V rows[4] = {Simd::template top_nibbles<12>(w), Simd::template top_nibbles<8>(w),
                         Simd::template top_nibbles<4>(w), Simd::template top_nibbles<0>(w)};
#pragma GCC unroll 2
      for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 4
        for (int n = 0; n < 4; ++n)
          sum[t][n] =
              pair == 0 ? Simd::multiply(rows[n], x[t]) : Simd::multiply_add(sum[t][n], rows[n], x[t]);
    }
    int64_t codes;
    std::memcpy(&codes, at + kWordBytes, sizeof codes);
    const __m128i bytes = _mm_cvtsi64_si128(codes);
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) {
      const V code = Simd::codes_of(bytes, n);
      for (int t = 0; t < kTokens; ++t)
        total[t][n] = Simd::add(total[t][n], Simd::times(Simd::shift_down(sum[t][n]), code));
    }
  }
#pragma GCC unroll 2
  for (int t = 0; t < kTokens; ++t) {
    __m128i rows[4];  // {row n, row 4 + n, the same of other column pairs}
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) rows[n] = Simd::sum_of_quarters(total[t][n]);
    const __m128i low01 = _mm_unpacklo_epi32(rows[0], rows[1]), high01 = _mm_unpackhi_epi32(rows[0], rows[1]);
    const __m128i low23 = _mm_unpacklo_epi32(rows[2], rows[3]), high23 = _mm_unpackhi_epi32(rows[2], rows[3]);
    const __m128i sum01 = _mm_add_epi32(low01, high01), sum23 = _mm_add_epi32(low23, high23);
    const __m128 s = _mm_set1_ps(a.x_scale[token + t] * scale);
    float* out = a.out + (token + t) * a.out_stride + block * kRows;
    _mm_storeu_ps(out, _mm_mul_ps(_mm_cvtepi32_ps(_mm_unpacklo_epi64(sum01, sum23)), s));
    _mm_storeu_ps(out + 4, _mm_mul_ps(_mm_cvtepi32_ps(_mm_unpackhi_epi64(sum01, sum23)), s));
  }
}

template <typename Simd>
void matmul_q4_simd(const MatmulQ4& a) {
  int token = 0;
  for (; token + 2 <= a.n_tokens; token += 2)
    for (int block = a.blocks.begin; block < a.blocks.end; ++block) q4_block<Simd, 2>(a, block, token);
  if (token < a.n_tokens)
    for (int block = a.blocks.begin; block < a.blocks.end; ++block) q4_block<Simd, 1>(a, block, token);
}

}  // namespace
}  // namespace pico_llama
