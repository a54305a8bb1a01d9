// Attention with a block's 8 positions in the lanes of the scores, and 8 elements of the head in those of the
// values.
#include "engine/kernels/host/avx2_math.h"
#include "engine/kernels/host_kernels.h"

namespace pico_llama::avx2 {
namespace {

float max_of(__m256 v) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

struct Head {
  __m256 lanes;
  float max;
};

/// Scores of a block into probabilities relative to the head's maximum, which they may raise.
__m256 block_probabilities(Head& head, __m256 s, int count, float* acc, int n, bool first) {
  const __m256i in = first_lanes(count);
  // Lanes past the end repeat the first score: they can neither be the maximum alone nor stay.
  s = _mm256_blendv_ps(_mm256_set1_ps(_mm256_cvtss_f32(s)), s, _mm256_castsi256_ps(in));
  const float block_max = max_of(s);
  if (first) {
    head.max = block_max;
  } else if (block_max > head.max) {
    const __m256 shrink = exp8(_mm256_set1_ps(head.max - block_max));
    head.lanes = _mm256_mul_ps(head.lanes, shrink);
    for (int i = 0; i < n; i += 8) {
      const __m256i here = first_lanes(n - i);
      _mm256_maskstore_ps(acc + i, here, _mm256_mul_ps(_mm256_maskload_ps(acc + i, here), shrink));
    }
    head.max = block_max;
  }
  const __m256 p = _mm256_and_ps(exp8(_mm256_sub_ps(s, _mm256_set1_ps(head.max))), _mm256_castsi256_ps(in));
  head.lanes = _mm256_add_ps(head.lanes, p);
  return p;
}

}  // namespace

void attention_f32(const AttentionF32& a) {
  const int n = a.head_size;
  float* q = a.scratch;
  float* acc = a.scratch + n;
  for (int h = 0; h < a.heads; ++h) {
    float* out = a.q + h * n;
    for (int i = 0; i < n; ++i) {
      q[i] = out[i] * a.scale;
      acc[i] = 0;
    }
    Head head{_mm256_setzero_ps(), 0};
    for (int first = 0; first <= a.last; first += 8) {
      const int count = a.last - first < 8 ? a.last - first + 1 : 8;
      const float* k = a.keys + first * n;
      __m256 s = _mm256_setzero_ps();
      for (int i = 0; i < n; ++i)
        s = _mm256_add_ps(s, _mm256_mul_ps(_mm256_broadcast_ss(q + i), _mm256_loadu_ps(k + i * 8)));
      alignas(32) float p[8];
      _mm256_store_ps(p, block_probabilities(head, s, count, acc, n, first == 0));
      const float* v = a.values + first * n;
      for (int i = 0; i < n; i += 8) {
        const __m256i in = first_lanes(n - i);
        __m256 sum = _mm256_maskload_ps(acc + i, in);
        for (int j = 0; j < count; ++j)
          sum = _mm256_add_ps(
              sum, _mm256_mul_ps(_mm256_broadcast_ss(p + j), _mm256_maskload_ps(v + j * n + i, in)));
        _mm256_maskstore_ps(acc + i, in, sum);
      }
    }
    const float inverse = 1.0f / add_lanes8(head.lanes);
    for (int i = 0; i < n; ++i) out[i] = acc[i] * inverse;
  }
}

}  // namespace pico_llama::avx2
