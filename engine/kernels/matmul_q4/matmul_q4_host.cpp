// q4 matmul on vectors of any width: kPairs column pairs of one block, two words each: rows 0..3, rows 4..7.
// With its upper bit inverted, a nibble shifted to the top of its 16-bit half is the weight times 2^12; the
// sum over a group's 32 columns is exact (SPEC.md, "Why q4 sums do not overflow"), and so is its product with
// the row's group scale.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/matmul_q4/matmul_q4_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/kernels/simd/simd-inl.h"
#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

using D32 = hn::ScalableTag<int32_t>;
using D16 = hn::ScalableTag<int16_t>;
using D8 = hn::ScalableTag<uint8_t>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;
inline constexpr int kPairs = static_cast<int>(hn::MaxLanes(D32())) / 2;  // 2, 4 or 8
static_assert(kPairs == 2 || kPairs == 4 || kPairs == 8);
inline constexpr ptrdiff_t kWordBytes = ptrdiff_t{kQ4Group} / 2 * 8;

/// kPairs column pairs, each broadcast to both words of its half block.
HWY_INLINE V16 load_x(const int16_t* x) {
  // words 0 and 1 in even 128-bit blocks, 2 and 3 in odd ones, each twice
  alignas(64) static constexpr struct Indices {
    uint8_t at[64] = {};
    constexpr Indices() {
      for (int i = 0; i < 64; ++i) at[i] = static_cast<uint8_t>((i / 8 * 4) % 16 + i % 4);
    }
  } indices;
  if constexpr (kPairs == 8) {  // eight words span two 128-bit blocks
    alignas(64) static constexpr int32_t kTwice[16] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};
    const auto words = load_half(D32(), reinterpret_cast<const int32_t*>(x));
    return hn::BitCast(D16(), hn::TableLookupLanes(words, hn::SetTableIndices(D32(), kTwice)));
  } else {
    hn::Vec<D8> words;
    if constexpr (kPairs == 2) {
      int64_t two;
      std::memcpy(&two, x, sizeof two);
      words = hn::BitCast(D8(), hn::Set(hn::ScalableTag<int64_t>(), two));
    } else {
      words = hn::LoadDup128(D8(), reinterpret_cast<const uint8_t*>(x));
    }
    return hn::BitCast(D16(), hn::TableLookupBytes(words, hn::Load(D8(), indices.at)));
  }
}

template <int kShift>
HWY_INLINE V16 top_nibbles(V16 w) {
  return hn::And(hn::ShiftLeft<kShift>(w), hn::Set(D16(), static_cast<int16_t>(0xf000)));
}

/// Byte kRow of each word, sign-extended.
template <int kRow>
HWY_INLINE V32 codes_of(V32 codes) {
  return hn::ShiftRight<24>(hn::ShiftLeft<24 - 8 * kRow>(codes));
}

// Loops over rows and tokens are unrolled so that the arrays stay in registers.
template <int kTokens>
HWY_INLINE void block_of(const MatmulQ4& a, int block, int token) {
  const auto columns = static_cast<uint32_t>(a.columns);
  const int groups = static_cast<int>(q4_groups(columns));
  const std::byte* const base = a.weights + block * static_cast<ptrdiff_t>(q4_block_bytes(columns));
  float scale;
  std::memcpy(&scale, base, sizeof scale);
  const std::byte* at = base + sizeof scale;
  V32 sum_of_row[kTokens][4];  // row n in even lanes, row 4 + n in odd ones
#pragma GCC unroll 2
  for (auto& of_token : sum_of_row)
#pragma GCC unroll 4
    for (V32& row : of_token) row = hn::Zero(D32());
  for (int group = 0; group < groups; ++group, at += kQ4GroupBytes) {
    PairSums<D32> sum[kTokens][4];
#pragma GCC unroll 4
    for (int pair = 0; pair < static_cast<int>(kQ4Group) / 2; pair += kPairs) {
      const V16 stored = hn::LoadU(D16(), reinterpret_cast<const int16_t*>(at + ptrdiff_t{pair} * 8));
      const V16 w = hn::Xor(stored, hn::Set(D16(), static_cast<int16_t>(0x8888)));
      // Row 3 has its columns exchanged.
      const V16 rows[4] = {top_nibbles<4>(w), top_nibbles<0>(w), top_nibbles<12>(w),
                           hn::Reverse2(D16(), top_nibbles<8>(w))};
#pragma GCC unroll 2
      for (int t = 0; t < kTokens; ++t) {
        const V16 x = load_x(a.x + (token + t) * a.x_stride + group * static_cast<int>(kQ4Group) + 2 * pair);
#pragma GCC unroll 4
        for (int n = 0; n < 4; ++n)
          if (pair == 0)
            sum[t][n] = multiply(D32(), rows[n], x);
          else
            multiply_add(sum[t][n], rows[n], x);
      }
    }
    int64_t codes;
    std::memcpy(&codes, at + kWordBytes, sizeof codes);
    const V32 both = hn::BitCast(D32(), hn::Set(hn::ScalableTag<int64_t>(), codes));
    const V32 code[4] = {codes_of<0>(both), codes_of<1>(both), codes_of<2>(both), codes_of<3>(both)};
#pragma GCC unroll 2
    for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 4
      for (int n = 0; n < 4; ++n)
        sum_of_row[t][n] = hn::Add(sum_of_row[t][n], hn::Mul(hn::ShiftRight<12>(total(sum[t][n])), code[n]));
  }
  const hn::CappedTag<int32_t, 4> i4;
#pragma GCC unroll 2
  for (int t = 0; t < kTokens; ++t) {
    hn::Vec<decltype(i4)> rows[4];  // {row n, row 4 + n, the same of other column pairs}
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) rows[n] = add_blocks(D32(), sum_of_row[t][n]);
    const auto sum01 =
        hn::Add(hn::InterleaveLower(i4, rows[0], rows[1]), hn::InterleaveUpper(i4, rows[0], rows[1]));
    const auto sum23 =
        hn::Add(hn::InterleaveLower(i4, rows[2], rows[3]), hn::InterleaveUpper(i4, rows[2], rows[3]));
    const auto s = hn::Set(F4(), a.x_scale[token + t] * scale);
    float* const out = a.out + (token + t) * a.out_stride + block * kBlockRows;
    hn::StoreU(hn::Mul(hn::ConvertTo(F4(), hn::ConcatLowerLower(i4, sum23, sum01)), s), F4(), out);
    hn::StoreU(hn::Mul(hn::ConvertTo(F4(), hn::ConcatUpperUpper(i4, sum23, sum01)), s), F4(), out + 4);
  }
}

void matmul_q4(const MatmulQ4& a) {
  int token = 0;
  for (; token + 2 <= a.n_tokens; token += 2)
    for (int block = a.blocks.begin; block < a.blocks.end; ++block) block_of<2>(a, block, token);
  if (token < a.n_tokens)
    for (int block = a.blocks.begin; block < a.blocks.end; ++block) block_of<1>(a, block, token);
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(matmul_q4, MatmulQ4)
