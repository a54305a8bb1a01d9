// f32 matmul: a vector is one column of a block, so each lane sums its own row in llama2.c's order. Several
// blocks (or tokens) at once hide the latency of the additions.
#include "engine/kernels/host/avx2_math.h"
#include "engine/kernels/host_kernels.h"

namespace pico_llama::avx2 {
namespace {

constexpr int kRows = 8;
/// A matrix up to this size is taken to be in the second-level cache still.
constexpr ptrdiff_t kInCache = 160 * 1024;

template <int kBlocks, int kTokens>
void columns(const MatmulF32& a, int block, int token) {
  const float* w[kBlocks];
  for (int b = 0; b < kBlocks; ++b) w[b] = a.weights + static_cast<ptrdiff_t>(block + b) * a.columns * kRows;
  const float* x = a.x + token * a.x_stride;
  __m256 sum[kBlocks][kTokens];
  for (auto& row : sum)
    for (__m256& s : row) s = _mm256_setzero_ps();
  for (int i = 0; i < a.columns; ++i) {
    __m256 xi[kTokens];
    for (int t = 0; t < kTokens; ++t) xi[t] = _mm256_broadcast_ss(x + t * a.x_stride + i);
    for (int b = 0; b < kBlocks; ++b) {
      const __m256 weights = _mm256_loadu_ps(w[b] + static_cast<ptrdiff_t>(i) * kRows);
      for (int t = 0; t < kTokens; ++t) sum[b][t] = _mm256_add_ps(sum[b][t], _mm256_mul_ps(weights, xi[t]));
    }
  }
  for (int b = 0; b < kBlocks; ++b)
    for (int t = 0; t < kTokens; ++t)
      _mm256_storeu_ps(a.out + (token + t) * a.out_stride + (block + b) * kRows, sum[b][t]);
}

template <int kBlocks, int kTokens>
int blocks(const MatmulF32& a, int block, int token) {
  for (; block + kBlocks <= a.blocks.end; block += kBlocks) columns<kBlocks, kTokens>(a, block, token);
  return block;
}

}  // namespace

void matmul_f32(const MatmulF32& a) {
  int token = 0;
  for (; token + 8 <= a.n_tokens; token += 8) blocks<1, 8>(a, a.blocks.begin, token);
  for (; token + 4 <= a.n_tokens; token += 4) blocks<1, 4>(a, blocks<2, 4>(a, a.blocks.begin, token), token);
  for (; token + 2 <= a.n_tokens; token += 2) blocks<1, 2>(a, blocks<4, 2>(a, a.blocks.begin, token), token);
  for (; token < a.n_tokens; ++token) {
    // Weights that come from memory come fastest as one stream, and then hide the latency of one chain of
    // additions; eight streams cost two thirds of the bandwidth. Weights in the cache want eight chains.
    const ptrdiff_t bytes = static_cast<ptrdiff_t>(a.blocks.end - a.blocks.begin) * a.columns * kRows * 4;
    int block = a.blocks.begin;
    if (bytes <= kInCache)
      block = blocks<2, 1>(a, blocks<4, 1>(a, blocks<8, 1>(a, block, token), token), token);
    blocks<1, 1>(a, block, token);
  }
}

}  // namespace pico_llama::avx2
