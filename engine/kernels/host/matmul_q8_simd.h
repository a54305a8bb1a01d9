// q8 matmul on any width of vector. A vector is Simd::kPairs column pairs of one block: words of (4 row
// pairs) each, low halves' bytes row A, high row B. Integer sums need no order, so A and B are taken apart at
// once and every sum is exact without chunks (SPEC.md, "Why q8 sums do not overflow").
#pragma once
#include <immintrin.h>

#include <cstring>

#include "engine/kernels/arguments.h"

namespace pico_llama {
namespace {

constexpr int kRows = 8;
constexpr int kScaleBytes = 32;
/// A matrix up to this size is taken to be in the second-level cache still.
constexpr ptrdiff_t kInCache = 64 * 1024;

template <typename Simd, int kBlocks, int kTokens>
void q8_columns_of(const MatmulQ8& a, int block, int token) {
  using V = typename Simd::V;
  const int pairs = (a.columns + 3) / 4 * 2;
  const ptrdiff_t block_bytes = kScaleBytes + ptrdiff_t{pairs} * 16;
  const std::byte* base = a.weights + block * block_bytes;
  V even[kBlocks][kTokens];
  V odd[kBlocks][kTokens];
  for (int b = 0; b < kBlocks; ++b)
    for (int t = 0; t < kTokens; ++t) even[b][t] = odd[b][t] = Simd::zero();
  const auto step = [&](int pair, int count) {
    V x[kTokens];
    if constexpr (kTokens == 1) {
      x[0] = Simd::load_x(a.x + token * a.x_stride + 2 * pair, count);
    } else {  // two tokens' column pairs take turns
      for (int t = 0; t < kTokens; t += 2)
        Simd::load_two_x(a.x + (token + t) * a.x_stride + 4 * pair, count, x[t], x[t + 1]);
    }
    for (int b = 0; b < kBlocks; ++b) {
      const V w = Simd::load_w(base + b * block_bytes + kScaleBytes + ptrdiff_t{pair} * 16, count);
      const V low = Simd::low_bytes(w);
      const V high = Simd::high_bytes(w, low);
      for (int t = 0; t < kTokens; ++t) {
        even[b][t] = Simd::multiply_add(even[b][t], low, x[t]);
        odd[b][t] = Simd::multiply_add(odd[b][t], high, x[t]);
      }
    }
  };
  int pair = 0;
  for (; pair + Simd::kPairs <= pairs; pair += Simd::kPairs) step(pair, Simd::kPairs);
  if (pair < pairs) step(pair, pairs - pair);
  for (int b = 0; b < kBlocks; ++b) {
    const __m128 low_scales = _mm_loadu_ps(reinterpret_cast<const float*>(base + b * block_bytes));
    const __m128 high_scales = _mm_loadu_ps(reinterpret_cast<const float*>(base + b * block_bytes) + 4);
    for (int t = 0; t < kTokens; ++t) {
      const __m128i e = Simd::sum_of_pairs(even[b][t]);
      const __m128i o = Simd::sum_of_pairs(odd[b][t]);
      const __m128 s = _mm_set1_ps(a.x_scale[token + t]);
      float* out = a.out + (token + t) * a.out_stride + (block + b) * kRows;
      _mm_storeu_ps(out, _mm_mul_ps(_mm_cvtepi32_ps(_mm_unpacklo_epi32(e, o)), _mm_mul_ps(s, low_scales)));
      _mm_storeu_ps(out + 4,
                    _mm_mul_ps(_mm_cvtepi32_ps(_mm_unpackhi_epi32(e, o)), _mm_mul_ps(s, high_scales)));
    }
  }
}

template <typename Simd, int kBlocks, int kTokens>
int q8_blocks(const MatmulQ8& a, int block, int token) {
  for (; block + kBlocks <= a.blocks.end; block += kBlocks)
    q8_columns_of<Simd, kBlocks, kTokens>(a, block, token);
  return block;
}

template <typename Simd>
void matmul_q8_simd(const MatmulQ8& a) {
  int token = 0;
  for (; token + 4 <= a.n_tokens; token += 4) q8_blocks<Simd, 1, 4>(a, a.blocks.begin, token);
  for (; token + 2 <= a.n_tokens; token += 2) q8_blocks<Simd, 1, 2>(a, a.blocks.begin, token);
  for (; token < a.n_tokens; ++token) {
    // One stream where weights come from memory, several chains of sums where they are in the cache.
    const ptrdiff_t bytes = static_cast<ptrdiff_t>(a.blocks.end - a.blocks.begin) * a.columns * kRows;
    int block = a.blocks.begin;
    if (bytes <= kInCache) block = q8_blocks<Simd, 4, 1>(a, block, token);
    q8_blocks<Simd, 1, 1>(a, block, token);
  }
}

}  // namespace
}  // namespace pico_llama
