// f32 matmul: eight lanes are one column of a block, so each lane sums its own row in llama2.c's order.
// Several blocks (or tokens) at once hide the latency of the additions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/matmul_f32/matmul_f32_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/matmul_f32/matmul_f32.h"
#include "engine/kernels/simd/simd-inl.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

inline constexpr int kRows = 8;
/// Matrices up to this size are assumed to be in the L2 cache.
inline constexpr ptrdiff_t kInCache = 160 * 1024;

template <int kBlocks, int kTokens>
HWY_INLINE void columns(const MatmulF32& a, int block, int token) {
  const float* w[kBlocks];
  for (int b = 0; b < kBlocks; ++b) w[b] = a.weights + static_cast<ptrdiff_t>(block + b) * a.columns * kRows;
  const float* x = a.x + token * a.x_stride;
  Floats sum[kBlocks][kTokens];
#pragma GCC unroll 8
  for (auto& row : sum)
#pragma GCC unroll 8
    for (Floats& s : row) s = all(0.0f);
  for (int i = 0; i < a.columns; ++i) {
    Floats xi[kTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) xi[t] = all(x[t * a.x_stride + i]);
#pragma GCC unroll 8
    for (int b = 0; b < kBlocks; ++b) {
      const Floats weights = load(w[b] + static_cast<ptrdiff_t>(i) * kRows);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) sum[b][t] = sum[b][t] + weights * xi[t];
    }
  }
#pragma GCC unroll 8
  for (int b = 0; b < kBlocks; ++b)
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      store(sum[b][t], a.out + (token + t) * a.out_stride + (block + b) * kRows);
}

template <int kBlocks, int kTokens>
HWY_NOINLINE int blocks(const MatmulF32& a, int block, int token) {
  for (; block + kBlocks <= a.blocks.end; block += kBlocks) columns<kBlocks, kTokens>(a, block, token);
  return block;
}

void matmul_f32(const MatmulF32& a) {
  int token = 0;
  for (; token + 8 <= a.n_tokens; token += 8) blocks<1, 8>(a, a.blocks.begin, token);
  for (; token + 4 <= a.n_tokens; token += 4) blocks<1, 4>(a, blocks<2, 4>(a, a.blocks.begin, token), token);
  for (; token + 2 <= a.n_tokens; token += 2) blocks<1, 2>(a, blocks<4, 2>(a, a.blocks.begin, token), token);
  for (; token < a.n_tokens; ++token) {
    // Weights from memory: one sequential stream is fastest, its wait hides the latency of one chain of
    // additions; eight streams cost two thirds of the bandwidth. Weights in cache: eight chains.
    const ptrdiff_t bytes = static_cast<ptrdiff_t>(a.blocks.end - a.blocks.begin) * a.columns * kRows * 4;
    int block = a.blocks.begin;
    if (bytes <= kInCache)
      block = blocks<2, 1>(a, blocks<4, 1>(a, blocks<8, 1>(a, block, token), token), token);
    blocks<1, 1>(a, block, token);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(matmul_f32, MatmulF32)
