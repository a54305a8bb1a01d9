// rmsnorm, swiglu, their q8 forms, quantize_q8 and argmax on 8 lanes.
#include "engine/kernels/host/avx2_math.h"
#include "engine/kernels/host_kernels.h"
#include "engine/math/sigmoid_fixed.h"

namespace pico_llama::avx2 {
namespace {

/// Where x is no number, MAXPS takes its second operand.
__m256 larger_sizes(__m256 sizes, __m256 x) {
  return _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), x), sizes);
}

float largest_lane(__m256 v) {
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

/// The low 16 bits of each lane, pairs of them `step` words apart.
void store_low_halves(int16_t* out, int step, __m256 y) {
  const __m256i low_halves = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                              0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i halves =
      _mm256_permute4x64_epi64(_mm256_shuffle_epi8(_mm256_castps_si256(y), low_halves), 0x08);
  const __m128i pairs = _mm256_castsi256_si128(halves);
  auto* words = reinterpret_cast<__m128i*>(out);
  if (step == 1) return _mm_storeu_si128(words, pairs);
  // Other tokens' words between are not to be touched, not even with what they hold.
  const __m128i in = _mm_setr_epi32(-1, 0, -1, 0);
  _mm_maskstore_epi32(reinterpret_cast<int*>(words), in, _mm_unpacklo_epi32(pairs, pairs));
  _mm_maskstore_epi32(reinterpret_cast<int*>(words + 1), in, _mm_unpackhi_epi32(pairs, pairs));
}

int16_t rounded(float y) {
  return static_cast<int16_t>(_mm_cvtsi128_si32(_mm_castps_si128(_mm_set_ss(y + 12582912.0f))));
}

}  // namespace

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

void swiglu_q8(const SwiGluQ8& a) {
  const __m256i fraction = _mm256_set1_epi32((1 << kSigmoidFractionBits) - 1);
  __m256 sizes = _mm256_setzero_ps();
  for (int i = 0; i < a.n; i += 8) {
    const __m256i in = first_lanes(a.n - i);
    const __m256 h = _mm256_maskload_ps(a.hb + i, in);
    const __m256i fixed = to_fixed8(_mm256_mul_ps(h, _mm256_set1_ps(65536.0f)));
    __m256i line = _mm256_add_epi32(_mm256_srai_epi32(fixed, kSigmoidFractionBits),
                                    _mm256_set1_epi32(kSigmoidLines / 2));
    line = _mm256_min_epi32(_mm256_max_epi32(line, _mm256_setzero_si256()),
                            _mm256_set1_epi32(kSigmoidLines - 1));
    const __m256i word = _mm256_i32gather_epi32(reinterpret_cast<const int*>(kSigmoidTable.at), line, 4);
    const __m256i factors = _mm256_or_si256(_mm256_slli_epi32(_mm256_and_si256(fixed, fraction), 16),
                                            _mm256_set1_epi32(1 << kSigmoidFractionBits));
    const __m256 sigmoid =
        _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(word, factors)), _mm256_set1_ps(0x1p-28f));
    const __m256 y = _mm256_mul_ps(_mm256_mul_ps(h, sigmoid), _mm256_maskload_ps(a.hb2 + i, in));
    _mm256_maskstore_ps(a.hb + i, in, y);
    sizes = larger_sizes(sizes, y);
  }
  *a.largest = largest_lane(sizes);
}

void quantize_q8(const QuantizeQ8& a) {
  float max = a.largest;
  if (max < 0) {
    __m256 sizes = _mm256_setzero_ps();
    for (int i = 0; i < a.columns; i += 8)
      sizes = larger_sizes(sizes, _mm256_maskload_ps(a.x + i, first_lanes(a.columns - i)));
    max = largest_lane(sizes);
  }
  const auto limit = static_cast<float>(a.limit);
  *a.scale = max / limit;
  const __m256 factor = _mm256_set1_ps(max > 0 ? limit / max : 0);
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  const int real = end < a.columns ? end : a.columns;
  int i = a.part.begin;
  for (; i + 8 <= real; i += 8)
    store_low_halves(
        a.out + i * a.step, a.step,
        _mm256_add_ps(_mm256_mul_ps(_mm256_loadu_ps(a.x + i), factor), _mm256_set1_ps(12582912.0f)));
  for (; i < real; ++i) a.out[i / 2 * 2 * a.step + i % 2] = rounded(a.x[i] * _mm256_cvtss_f32(factor));
  for (; i < end; ++i) a.out[i / 2 * 2 * a.step + i % 2] = 0;
}

void residual_q8(const ResidualQ8& a) {
  __m256 sizes = _mm256_setzero_ps();
  for (int i = 0; i < a.n; i += 8) {
    const __m256i in = first_lanes(a.n - i);
    const __m256 x = _mm256_add_ps(_mm256_maskload_ps(a.x + i, in), _mm256_maskload_ps(a.more + i, in));
    _mm256_maskstore_ps(a.x + i, in, x);
    a.squares[i / 8] = add_lanes8(_mm256_mul_ps(x, x));
    sizes = larger_sizes(sizes, _mm256_mul_ps(_mm256_maskload_ps(a.weight + i, in), x));
  }
  *a.largest = largest_lane(sizes);
}

void rmsnorm_q8(const RmsNormQ8& a) {
  float sum = a.squares[0];
  for (int i = 1; i < (a.n + 7) / 8; ++i) sum += a.squares[i];
  const float ss = 1.0f / __builtin_sqrtf(sum / static_cast<float>(a.n) + a.eps);
  const auto limit = static_cast<float>(a.limit);
  *a.scale = ss * (a.largest / limit);
  const float factor = a.largest > 0 ? limit / a.largest : 0;
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  const int real = end < a.n ? end : a.n;
  int i = a.part.begin;
  for (; i + 8 <= real; i += 8) {
    const __m256 y = _mm256_mul_ps(_mm256_loadu_ps(a.weight + i), _mm256_loadu_ps(a.x + i));
    store_low_halves(a.out + i * a.step, a.step,
                     _mm256_add_ps(_mm256_mul_ps(y, _mm256_set1_ps(factor)), _mm256_set1_ps(12582912.0f)));
  }
  for (; i < real; ++i) a.out[i / 2 * 2 * a.step + i % 2] = rounded((a.weight[i] * a.x[i]) * factor);
  for (; i < end; ++i) a.out[i / 2 * 2 * a.step + i % 2] = 0;
}

void argmax(const Argmax& a) {
  const __m256 least = _mm256_set1_ps(-__builtin_inff());
  __m256 most = least;
  for (int i = 0; i < a.n; i += 8) {
    const __m256i in = first_lanes(a.n - i);
    const __m256 v = _mm256_blendv_ps(least, _mm256_maskload_ps(a.values + i, in), _mm256_castsi256_ps(in));
    most = _mm256_max_ps(v, most);  // where v is no number, its second operand
  }
  const float max = largest_lane(most);
  int best = 0;
  while (best < a.n && a.values[best] != max) ++best;
  *a.index = best < a.n && max > -__builtin_inff() ? best : 0;
}

}  // namespace pico_llama::avx2
