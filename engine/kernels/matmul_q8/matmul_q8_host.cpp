// q8 matmul on vectors of any width: a vector holds kPairs column pairs of one block, 4 words (row pairs)
// each, row A in the low byte of each half and row B in the high one. Integer sums need no order, so A and B
// are separated immediately and no chunks are needed (SPEC.md, "Why q8 sums do not overflow").
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/matmul_q8/matmul_q8_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/kernels/simd/simd-inl.h"
#include "engine/model/model_image_layout.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

using D32 = hn::ScalableTag<int32_t>;
using D16 = hn::ScalableTag<int16_t>;
using D8 = hn::ScalableTag<uint8_t>;
using V16 = hn::Vec<D16>;
using Sums = PairSums<D32>;
inline constexpr int kPairs =
    static_cast<int>(hn::MaxLanes(D32())) / 4;  // 1, 2 or 4; columns are pairs of pairs
static_assert(kPairs == 1 || kPairs == 2 || kPairs == 4);
/// Matrices up to this size are assumed to be in the L2 cache.
inline constexpr ptrdiff_t kInCache = 64 * 1024;

/// Byte indices that copy word (kFirst + kStep * b) % 4 to all words of 128-bit block b.
template <int kFirst, int kStep>
HWY_INLINE hn::Vec<D8> word_of_each_block() {
  alignas(64) static constexpr struct Indices {
    uint8_t at[64] = {};
    constexpr Indices() {
      for (int i = 0; i < 64; ++i) at[i] = static_cast<uint8_t>((kFirst + kStep * (i / 16)) % 4 * 4 + i % 4);
    }
  } indices;
  return hn::Load(D8(), indices.at);
}
template <int kFirst, int kStep>
HWY_INLINE V16 spread_words(hn::Vec<D8> words) {
  return hn::BitCast(D16(), hn::TableLookupBytes(words, word_of_each_block<kFirst, kStep>()));
}

template <class T>
HWY_INLINE T read(const void* from) {
  T x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

/// count: kPairs, or 2 of 4.
HWY_INLINE V16 load_weights(const std::byte* from, int count) {
  const auto* const at = reinterpret_cast<const int16_t*>(from);
  if (count == kPairs) return hn::LoadU(D16(), at);
  return load_half(D16(), at);
}

alignas(64) inline constexpr int32_t kAllWords[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};

/// One token's column pairs, each broadcast to the 4 words of its 128-bit block.
HWY_INLINE V16 load_x(const int16_t* x, int count) {
  if constexpr (kPairs == 1) {
    return hn::BitCast(D16(), hn::Set(D32(), read<int32_t>(x)));
  } else {
    if constexpr (kPairs == 4) {
      if (count == 4) {
        const auto words =
            hn::ZeroExtendVector(D32(), load_half(hn::Half<D32>(), reinterpret_cast<const int32_t*>(x)));
        return hn::BitCast(D16(), hn::TableLookupLanes(words, hn::SetTableIndices(D32(), kAllWords)));
      }
    }
    return spread_words<0, 1>(hn::BitCast(D8(), hn::Set(hn::ScalableTag<int64_t>(), read<int64_t>(x))));
  }
}

alignas(64) inline constexpr int32_t kEvenWords[16] = {0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6};
alignas(64) inline constexpr int32_t kOddWords[16] = {1, 1, 1, 1, 3, 3, 3, 3, 5, 5, 5, 5, 7, 7, 7, 7};

/// As load_x(), for two tokens whose column pairs are interleaved.
HWY_INLINE void load_two_x(const int16_t* x, int count, V16& first, V16& second) {
  if constexpr (kPairs == 1) {
    first = load_x(x, 1);
    second = load_x(x + 2, 1);
  } else {
    if constexpr (kPairs == 4) {
      if (count == 4) {  // eight words span two 128-bit blocks
        const auto words = load_half(D32(), reinterpret_cast<const int32_t*>(x));
        first = hn::BitCast(D16(), hn::TableLookupLanes(words, hn::SetTableIndices(D32(), kEvenWords)));
        second = hn::BitCast(D16(), hn::TableLookupLanes(words, hn::SetTableIndices(D32(), kOddWords)));
        return;
      }
    }
    const auto words = hn::LoadDup128(D8(), reinterpret_cast<const uint8_t*>(x));
    first = spread_words<0, 2>(words);
    second = spread_words<1, 2>(words);
  }
}

// Loops over blocks and tokens are unrolled so that the arrays stay in registers.
template <int kBlocks, int kTokens>
HWY_INLINE void multiply_pairs(const MatmulQ8& a, const std::byte* base, ptrdiff_t block_bytes, int token,
                               int pair, int count, Sums (&even)[kBlocks][kTokens],
                               Sums (&odd)[kBlocks][kTokens]) {
  V16 x[kTokens];
  if constexpr (kTokens == 1) {
    x[0] = load_x(a.x + token * a.x_stride + 2 * pair, count);
  } else {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; t += 2)
      load_two_x(a.x + (token + t) * a.x_stride + 4 * pair, count, x[t], x[t + 1]);
  }
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) {
    const V16 w = load_weights(base + b * block_bytes + kQ8ScaleBytes + ptrdiff_t{pair} * 16, count);
    const V16 low = hn::ShiftRight<8>(hn::ShiftLeft<8>(w));
    const V16 high = hn::ShiftRight<8>(hn::Sub(w, low));
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      multiply_add(even[b][t], low, x[t]);
      multiply_add(odd[b][t], high, x[t]);
    }
  }
}

template <int kBlocks, int kTokens>
HWY_INLINE void columns(const MatmulQ8& a, int block, int token) {
  const int pairs = static_cast<int>(q8_columns(static_cast<uint32_t>(a.columns)) / 2);
  const auto block_bytes = static_cast<ptrdiff_t>(q8_block_bytes(static_cast<uint32_t>(a.columns)));
  const std::byte* const base = a.weights + block * block_bytes;
  Sums even[kBlocks][kTokens];
  Sums odd[kBlocks][kTokens];
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b)
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) even[b][t] = odd[b][t] = zero_sums(D32());
  int pair = 0;
  for (; pair + kPairs <= pairs; pair += kPairs)
    multiply_pairs(a, base, block_bytes, token, pair, kPairs, even, odd);
  if (kPairs == 4 && pair < pairs) multiply_pairs(a, base, block_bytes, token, pair, 2, even, odd);
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) {
    const auto* const scales = reinterpret_cast<const float*>(base + b * block_bytes);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const auto e = add_blocks(D32(), total(even[b][t]));
      const auto o = add_blocks(D32(), total(odd[b][t]));
      const auto s = hn::Set(F4(), a.x_scale[token + t]);
      const hn::CappedTag<int32_t, 4> i4;
      float* out = a.out + (token + t) * a.out_stride + (block + b) * kBlockRows;
      hn::StoreU(
          hn::Mul(hn::ConvertTo(F4(), hn::InterleaveLower(i4, e, o)), hn::Mul(s, hn::LoadU(F4(), scales))),
          F4(), out);
      hn::StoreU(hn::Mul(hn::ConvertTo(F4(), hn::InterleaveUpper(i4, e, o)),
                         hn::Mul(s, hn::LoadU(F4(), scales + 4))),
                 F4(), out + 4);
    }
  }
}

template <int kBlocks, int kTokens>
HWY_NOINLINE int blocks(const MatmulQ8& a, int block, int token) {
  for (; block + kBlocks <= a.blocks.end; block += kBlocks) columns<kBlocks, kTokens>(a, block, token);
  return block;
}

void matmul_q8(const MatmulQ8& a) {
  int token = 0;
  for (; token + 4 <= a.n_tokens; token += 4) blocks<1, 4>(a, a.blocks.begin, token);
  for (; token + 2 <= a.n_tokens; token += 2) blocks<1, 2>(a, a.blocks.begin, token);
  for (; token < a.n_tokens; ++token) {
    // Weights from memory: one sequential stream. Weights in cache: several independent sums to hide latency.
    const ptrdiff_t bytes = static_cast<ptrdiff_t>(a.blocks.end - a.blocks.begin) * a.columns * kBlockRows;
    int block = a.blocks.begin;
    if (bytes <= kInCache) block = blocks<4, 1>(a, block, token);
    blocks<1, 1>(a, block, token);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(matmul_q8, MatmulQ8)
