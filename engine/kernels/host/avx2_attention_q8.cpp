// Integer attention on 8 words at once. Integer sums are exact in any order; the fixed-point steps between
// them are the portable ones, lane by lane.
#include <immintrin.h>

#include "engine/kernels/attention_q8/attention_q8_parts.h"
#include "engine/kernels/host/avx2_math.h"
#include "engine/kernels/host_kernels.h"

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

/// The 4 words of a query that belong to keys' even bytes in 4 words (elements 0 and 1 of each 4), or to
/// their odd ones. Reads 8 words from x on.
__m256i of_even_bytes(__m256i low, __m256i high) {
  return _mm256_permute4x64_epi64(
      _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0x88)),
      0xd8);
}
__m256i of_odd_bytes(__m256i low, __m256i high) {
  return _mm256_permute4x64_epi64(
      _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0xdd)),
      0xd8);
}

/// t[0..count) before their codes: x * keys.
void dots(const AttentionQ8& a, int first, int count, const int16_t* x, int32_t* t) {
  const int words = q8_key_elements(a.head_size) / 4;
  const std::byte* group = a.keys + ptrdiff_t{first} / 4 * q8_key_group_bytes(a.head_size);
  if (words == 2) {  // a group is one vector: its positions are pairs of words
    const __m256i q = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    const __m256i even = of_even_bytes(q, q);
    const __m256i odd = of_odd_bytes(q, q);
    for (int j = 0; j < count; j += 4, group += q8_key_group_bytes(8)) {
      const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(group));
      const __m256i sums =
          _mm256_add_epi32(_mm256_madd_epi16(even_bytes(w), even), _mm256_madd_epi16(odd_bytes(w), odd));
      const __m256i pairs = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums, sums), 0xd8);
      _mm_store_si128(reinterpret_cast<__m128i*>(t + j), _mm256_castsi256_si128(pairs));
    }
    return;
  }
  for (int j = 0; j < count; ++j) {
    const std::byte* key = group + ptrdiff_t{j} % 4 * words * 4;
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < words; i += 8) {
      const __m256i w = load(key + i * 4, words - i);
      const __m256i low = load(x + 4 * i, 2 * (words - i));
      const __m256i high = words - i > 4 ? load(x + 4 * i + 16, 2 * (words - i) - 8) : _mm256_setzero_si256();
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even_bytes(w), of_even_bytes(low, high)));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(odd_bytes(w), of_odd_bytes(low, high)));
    }
    t[j] = sum8(sum);
    if (j % 4 == 3) group += q8_key_group_bytes(a.head_size);
  }
}

/// acc += w * values: 8 words are 16 elements of a position pair, taken apart into even and odd elements.
void add_values(const AttentionQ8& a, int first, int count, const int32_t* p, int shift, int32_t* acc) {
  const int pairs = a.head_size / 2;
  const std::byte* block = a.values + ptrdiff_t{first} / 2 * pairs * 4;
  for (int i = 0; i < pairs; i += 8) {
    const int here = pairs - i < 8 ? pairs - i : 8;
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (int j = 0; j < count; j += 2) {
      const __m256i v = load(block + (ptrdiff_t{j} / 2 * pairs + i) * 4, here);
      const __m256i w = _mm256_set1_epi32(p[j] | p[j + 1] << 16);
      even = _mm256_add_epi32(even, _mm256_madd_epi16(even_bytes(v), w));
      odd = _mm256_add_epi32(odd, _mm256_madd_epi16(odd_bytes(v), w));
    }
    alignas(32) int32_t e[8];
    alignas(32) int32_t o[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(e), even);
    _mm256_store_si256(reinterpret_cast<__m256i*>(o), odd);
    for (int k = 0; k < here; ++k) {
      acc[2 * (i + k)] += e[k] >> shift;
      acc[2 * (i + k) + 1] += o[k] >> shift;
    }
  }
}

/// t * code >> 16 in place; returns the larger of max and theirs.
int scores(const AttentionQ8& a, int first, int count, int32_t* t, int max) {
  const std::byte* codes = a.keys + (ptrdiff_t{first} / 4 + 1) * q8_key_group_bytes(a.head_size) - 4;
  __m128i maxima = _mm_set1_epi32(max);
  for (int j = 0; j < count; j += 4, codes += q8_key_group_bytes(a.head_size)) {
    int32_t four;
    __builtin_memcpy(&four, codes, sizeof four);
    auto* const at = reinterpret_cast<__m128i*>(t + j);
    const __m128i score =
        _mm_srai_epi32(_mm_mullo_epi32(_mm_load_si128(at), _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four))), 16);
    _mm_store_si128(at, score);
    const __m128i in = _mm_cmpgt_epi32(_mm_set1_epi32(count - j), _mm_setr_epi32(0, 1, 2, 3));
    maxima = _mm_max_epi32(maxima, _mm_blendv_epi8(maxima, score, in));
  }
  maxima = _mm_max_epi32(maxima, _mm_shuffle_epi32(maxima, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(maxima, _mm_shuffle_epi32(maxima, 0xb1)));
}

/// Scores into weights, 0 behind the last; returns their sum.
uint32_t weights(const uint16_t* table, int lowest, int count, int32_t* t) {
  __m256i sum = _mm256_setzero_si256();
  for (int j = 0; j < count; j += 8) {
    auto* const at = reinterpret_cast<__m256i*>(t + j);
    const __m256i above = _mm256_max_epi32(
        _mm256_setzero_si256(), _mm256_sub_epi32(_mm256_load_si256(at), _mm256_set1_epi32(lowest)));
    const __m256i index = _mm256_and_si256(above, first_lanes(count - j));
    const __m256i p = _mm256_and_si256(_mm256_i32gather_epi32(reinterpret_cast<const int*>(table), index, 2),
                                       _mm256_set1_epi32(0xffff));
    _mm256_store_si256(at, p);
    sum = _mm256_add_epi32(sum, p);
  }
  return static_cast<uint32_t>(sum8(sum));
}

}  // namespace

void attention_q8(const AttentionQ8& a) {
  const int n = a.head_size;
  const AttentionQ8Scratch s(a);
  const AttentionUnits units = attention_queries(a, a.heads, a.head_size, s.q);
  const int shift = attention_block_shift(a.last);
  for (int h = 0; h < a.heads; ++h) {
    int max = INT16_MIN;
    uint32_t sum = 0;
    for (int i = 0; i < n; ++i) s.acc[i] = 0;
    for (int first = 0; first <= a.last; first += kAttentionBlock) {
      const int count = a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock;
      alignas(32) int32_t t[kAttentionBlock];
      dots(a, first, count, s.q + h * q8_key_elements(n), t);
      const int old_lowest = attention_lowest(max, units.steps);
      max = scores(a, first, count, t, max);
      const int lowest = attention_lowest(max, units.steps);
      if (lowest > old_lowest) shrink(units, lowest - old_lowest, n, s.acc, sum);
      sum += weights(units.table, lowest, count, t);
      add_values(a, first, count, t, shift, s.acc);
    }
    const float scale = attention_output_scale(a.value_step, shift, sum);
    for (int i = 0; i < n; ++i) a.q[h * n + i] = static_cast<float>(s.acc[i]) * scale;
  }
}

}  // namespace pico_llama::avx2
