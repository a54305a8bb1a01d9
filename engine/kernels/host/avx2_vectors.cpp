// rmsnorm, swiglu and quantize_q8 on 8 lanes.
#include "engine/kernels/host/avx2_math.h"
#include "engine/kernels/host/kernels.h"

namespace pico_llama::avx2 {

void rmsnorm(const RmsNorm& a) {
  __m256 lanes = _mm256_setzero_ps();
  for (int i = 0; i < a.n; i += 8) {
    const __m256i in = first_lanes(a.n - i);
    const __m256 x = _mm256_maskload_ps(a.x + i, in);
    // Lanes past the end add +0, which changes no sum of squares.
    lanes = _mm256_add_ps(lanes, _mm256_mul_ps(x, x));
  }
  const float ss = 1.0f / __builtin_sqrtf(add_lanes8(lanes) / static_cast<float>(a.n) + a.eps);
  for (int i = 0; i < a.n; i += 8) {
    const __m256i in = first_lanes(a.n - i);
    const __m256 y = _mm256_mul_ps(_mm256_maskload_ps(a.weight + i, in),
                                   _mm256_mul_ps(_mm256_set1_ps(ss), _mm256_maskload_ps(a.x + i, in)));
    _mm256_maskstore_ps(a.out + i, in, y);
  }
}

void swiglu(const SwiGlu& a) {
  const __m256 one = _mm256_set1_ps(1.0f);
  for (int i = 0; i < a.n; i += 8) {
    const __m256i in = first_lanes(a.n - i);
    const __m256 h = _mm256_maskload_ps(a.hb + i, in);
    const __m256 e = exp8(_mm256_xor_ps(h, _mm256_set1_ps(-0.0f)));
    const __m256 silu = _mm256_mul_ps(h, _mm256_div_ps(one, _mm256_add_ps(one, e)));
    _mm256_maskstore_ps(a.hb + i, in, _mm256_mul_ps(silu, _mm256_maskload_ps(a.hb2 + i, in)));
  }
}

void quantize_q8(const QuantizeQ8& a) {
  const __m256i size_bits = _mm256_set1_epi32(0x7fffffff);
  __m256i sizes = _mm256_setzero_si256();
  for (int i = 0; i < a.columns; i += 8) {
    const __m256 x = _mm256_maskload_ps(a.x + i, first_lanes(a.columns - i));
    sizes = _mm256_max_epi32(sizes, _mm256_and_si256(_mm256_castps_si256(x), size_bits));
  }
  // Positive floats order as their bits do.
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(sizes), _mm256_extracti128_si256(sizes, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
  const float max = _mm_cvtss_f32(_mm_castsi128_ps(four));
  const auto limit = static_cast<float>(a.limit);
  *a.scale = max / limit;
  const __m256 factor = _mm256_set1_ps(max > 0 ? limit / max : 0);
  const __m256i low_halves = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                              0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
  int i = 0;
  for (; i + 8 <= a.columns; i += 8) {
    const __m256 y =
        _mm256_add_ps(_mm256_mul_ps(_mm256_loadu_ps(a.x + i), factor), _mm256_set1_ps(12582912.0f));
    const __m256i halves =
        _mm256_permute4x64_epi64(_mm256_shuffle_epi8(_mm256_castps_si256(y), low_halves), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(a.out + i), _mm256_castsi256_si128(halves));
  }
  for (; i < a.columns; ++i) {
    const float y = a.x[i] * _mm256_cvtss_f32(factor) + 12582912.0f;
    a.out[i] = static_cast<int16_t>(_mm_cvtsi128_si32(_mm_castps_si128(_mm_set_ss(y))));
  }
  for (; i < a.padded_columns; ++i) a.out[i] = 0;
}

}  // namespace pico_llama::avx2
