// Attention with 8 positions per vector for the scores, and 8 elements of the head per vector for the output.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/attention_f32/attention_f32_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/attention_f32/attention_f32.h"
#include "engine/kernels/simd/simd-inl.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

struct Head {
  Floats lanes;
  float max;
};

/// Converts a block's scores to probabilities relative to the running maximum, which it updates.
HWY_INLINE Floats block_probabilities(Head& head, Floats s, int count, float* acc, int n, bool first) {
  // Lanes past the end repeat the first score, so they cannot raise the maximum.
  if (count < 8) s = first_of(s, all(hn::GetLane(s.part[0])), count);
  const float block_max = largest_lane(s);
  if (first) {
    head.max = block_max;
  } else if (block_max > head.max) {
    const Floats shrink = exp(all(head.max - block_max));
    head.lanes = head.lanes * shrink;
    for (int i = 0; i < n; i += 8) store_first(load_first(acc + i, n - i) * shrink, acc + i, n - i);
    head.max = block_max;
  }
  Floats p = exp(s - all(head.max));
  if (count < 8) p = first_of(p, all(0.0f), count);
  head.lanes = head.lanes + p;
  return p;
}

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
    Head head{all(0.0f), 0};
    for (int first = 0; first <= a.last; first += 8) {
      const int count = a.last - first < 8 ? a.last - first + 1 : 8;
      const float* k = a.keys + first * n;
      Floats s = all(0.0f);
      for (int i = 0; i < n; ++i) s = s + all(q[i]) * load(k + i * 8);
      float p[8];
      store(block_probabilities(head, s, count, acc, n, first == 0), p);
      const float* v = a.values + first * n;
      for (int i = 0; i < n; i += 8) {
        Floats sum = load_first(acc + i, n - i);
        for (int j = 0; j < count; ++j) sum = sum + all(p[j]) * load_first(v + j * n + i, n - i);
        store_first(sum, acc + i, n - i);
      }
    }
    const float inverse = 1.0f / add_lanes(head.lanes);
    for (int i = 0; i < n; ++i) out[i] = acc[i] * inverse;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(attention_f32, AttentionF32)
