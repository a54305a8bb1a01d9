// Integer attention on 8 words at once. Integer sums are exact in any order; the fixed-point steps between
// them are the portable ones, lane by lane.
#include <immintrin.h>

#include "engine/kernels/attention_q8_parts.h"
#include "engine/kernels/host/avx2_math.h"
#include "engine/kernels/host/kernels.h"

namespace pico_llama::avx2 {
namespace {

__m256i load(const void* p, int words) {
  return words >= 8 ? _mm256_loadu_si256(static_cast<const __m256i*>(p))
                    : _mm256_maskload_epi32(static_cast<const int*>(p), first_lanes(words));
}
__m256i even_bytes(__m256i w) { return _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8); }
__m256i odd_bytes(__m256i w) { return _mm256_srai_epi16(w, 8); }

int32_t sum8(__m256i v) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

/// score[0..count) = q * keys, two positions a pass over the head.
void scores(const AttentionQ8& a, int first, int count, const int16_t* q, int32_t* score) {
  const int pairs = a.head_size / 2;
  const std::byte* words = a.keys + ptrdiff_t{first} / 2 * pairs * 4;
  for (int j = 0; j < count; j += 2, words += ptrdiff_t{pairs} * 4) {
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (int i = 0; i < pairs; i += 8) {
      const __m256i w = load(words + i * 4, pairs - i);
      const __m256i x = load(q + 2 * i, pairs - i);
      even = _mm256_add_epi32(even, _mm256_madd_epi16(even_bytes(w), x));
      odd = _mm256_add_epi32(odd, _mm256_madd_epi16(odd_bytes(w), x));
    }
    score[j] = sum8(even);
    score[j + 1] = sum8(odd);
  }
}

/// acc += w * values: 8 words are 16 elements of a position pair, taken apart into even and odd elements.
void add_values(const AttentionQ8& a, int first, int count, const int16_t* w, int32_t* acc) {
  const int pairs = a.head_size / 2;
  const std::byte* block = a.values + ptrdiff_t{first} / 2 * pairs * 4;
  for (int i = 0; i < pairs; i += 8) {
    const int here = pairs - i < 8 ? pairs - i : 8;
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (int j = 0; j < count; j += 2) {
      const __m256i v = load(block + (ptrdiff_t{j} / 2 * pairs + i) * 4, here);
      const __m256i p = _mm256_set1_epi32(static_cast<uint16_t>(w[j]) | static_cast<int>(w[j + 1]) << 16);
      even = _mm256_add_epi32(even, _mm256_madd_epi16(even_bytes(v), p));
      odd = _mm256_add_epi32(odd, _mm256_madd_epi16(odd_bytes(v), p));
    }
    alignas(32) int32_t e[8];
    alignas(32) int32_t o[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(e), even);
    _mm256_store_si256(reinterpret_cast<__m256i*>(o), odd);
    for (int k = 0; k < here; ++k) {
      acc[2 * (i + k)] += e[k];
      acc[2 * (i + k) + 1] += o[k];
    }
  }
}

/// Eight scale codes as they lie.
__m256i codes(const uint8_t* scale) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(scale)));
}

/// kExp2Table for gathers of 32 bits.
struct Exp2Wide {
  int at[256];
};
constexpr Exp2Wide kExp2Wide = [] {
  Exp2Wide wide{};
  for (int i = 0; i < 256; ++i) wide.at[i] = kExp2Table.at[i];
  return wide;
}();

__m256i exp2_fixed8(__m256i difference) {
  const __m256i d = _mm256_min_epu32(difference, _mm256_set1_epi32(static_cast<int>(kExp2Limit)));
  const __m256i index = _mm256_and_si256(_mm256_srli_epi32(d, 8), _mm256_set1_epi32(0xff));
  const __m256i entry = _mm256_i32gather_epi32(kExp2Wide.at, index, 4);
  return _mm256_srlv_epi32(entry, _mm256_srli_epi32(d, 16));
}

int32_t max8(__m256i v) {
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

}  // namespace

void attention_q8(const AttentionQ8& a) {
  const int n = a.head_size;
  AttentionQ8Scratch s(a);
  float q_scale;
  avx2::quantize_q8({s.q, &q_scale, a.q, a.heads * n, a.heads * n, attention_q_limit(n)});
  const __m256 factor = _mm256_set1_ps((q_scale * a.scale) * kLog2eFixed16);
  const int shift = attention_weight_shift(a.last);
  for (int i = 0; i < a.heads * n; ++i) s.acc[i] = 0;
  for (int h = 0; h < a.heads; ++h) s.sum[h] = 0;
  uint32_t exponent = 0;

  for (int first = 0; first <= a.last; first += kAttentionBlock) {
    const int count = a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock;
    // Scales of the block, those past the end as 0: caches end at a multiple of 8, not of 32.
    alignas(32) uint8_t key_scales[kAttentionBlock] = {};
    alignas(32) uint8_t value_scales[kAttentionBlock] = {};
    uint32_t largest = 0;
    for (int j = 0; j < count; ++j) {
      key_scales[j] = a.key_scales[first + j];
      value_scales[j] = a.value_scales[first + j];
      largest = value_scales[j] > largest ? value_scales[j] : largest;
    }
    if (largest >> 3 > exponent) {
      for (int i = 0; i < a.heads * n; ++i) s.acc[i] >>= (largest >> 3) - exponent;
      exponent = largest >> 3;
    }
    const auto down = static_cast<int>(static_cast<uint32_t>(shift) + exponent);
    for (int h = 0; h < a.heads; ++h) {
      alignas(32) int32_t t[kAttentionBlock] = {};
      scores(a, first, count, s.q + h * n, t);
      const int32_t old_max = first == 0 ? INT32_MIN : s.max[h];
      __m256i maxima = _mm256_set1_epi32(old_max);
      for (int j = 0; j < count; j += 8) {
        auto* at = reinterpret_cast<__m256i*>(t + j);
        const __m256 scale =
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(codes(key_scales + j), 20),
                                                 _mm256_set1_epi32((127 + kScale8LowestExponent) << 23)));
        const __m256i fixed =
            to_fixed8(_mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_load_si256(at)), _mm256_mul_ps(factor, scale)));
        _mm256_store_si256(at, fixed);
        maxima = _mm256_max_epi32(
            maxima, _mm256_blendv_epi8(_mm256_set1_epi32(old_max), fixed, first_lanes(count - j)));
      }
      const int32_t max = max8(maxima);
      if (first != 0 && max > old_max) shrink(s, h, n, old_max, max);
      s.max[h] = max;
      alignas(32) int32_t wide[kAttentionBlock];
      __m256i sum = _mm256_setzero_si256();
      for (int j = 0; j < count; j += 8) {
        const __m256i in = first_lanes(count - j);
        const __m256i difference = _mm256_sub_epi32(
            _mm256_set1_epi32(max), _mm256_load_si256(reinterpret_cast<const __m256i*>(t + j)));
        const __m256i p = _mm256_and_si256(exp2_fixed8(difference), in);
        sum = _mm256_add_epi32(sum, p);
        const __m256i code = codes(value_scales + j);
        const __m256i mantissa =
            _mm256_add_epi32(_mm256_and_si256(code, _mm256_set1_epi32(7)), _mm256_set1_epi32(8));
        const __m256i by = _mm256_sub_epi32(_mm256_set1_epi32(down), _mm256_srli_epi32(code, 3));
        _mm256_store_si256(reinterpret_cast<__m256i*>(wide + j),
                           _mm256_srlv_epi32(_mm256_mullo_epi32(p, mantissa), by));
      }
      s.sum[h] += static_cast<uint32_t>(sum8(sum));
      int16_t* w = s.w + h * kAttentionBlock;
      for (int j = 0; j < count; ++j) w[j] = static_cast<int16_t>(wide[j]);
      if (count % 2 != 0) w[count] = 0;
      add_values(a, first, count, w, s.acc + h * n);
    }
  }
  for (int h = 0; h < a.heads; ++h) {
    const float scale = attention_output_scale(exponent, shift, s.sum[h]);
    for (int i = 0; i < n; ++i) a.q[h * n + i] = static_cast<float>(s.acc[h * n + i]) * scale;
  }
}

}  // namespace pico_llama::avx2
