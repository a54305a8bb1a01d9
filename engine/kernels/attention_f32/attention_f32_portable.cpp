#include "engine/kernels/attention_f32/attention_f32.h"
#include "engine/math/exp.h"
#include "engine/math/lanes.h"

namespace pico_llama::portable {

void attention_f32(const AttentionF32& a) {
  const int n = a.head_size;
  float* q = a.scratch;
  float* acc = a.scratch + n;
  for (int head = 0; head < a.heads; ++head) {
    float* out = a.q + head * n;
    for (int i = 0; i < n; ++i) {
      q[i] = out[i] * a.scale;
      acc[i] = 0;
    }
    float lane[8] = {};
    float max = 0;
    for (int first = 0; first <= a.last; first += 8) {
      const int count = a.last - first < 8 ? a.last - first + 1 : 8;
      const float* k = a.keys + first * n;
      float s[8] = {};
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < count; ++j) s[j] += q[i] * k[i * 8 + j];
      float block_max = s[0];
      for (int j = 1; j < count; ++j) block_max = s[j] > block_max ? s[j] : block_max;
      if (first == 0) {
        max = block_max;
      } else if (block_max > max) {
        const float shrink = exp(max - block_max);
        for (float& sum : lane) sum *= shrink;
        for (int i = 0; i < n; ++i) acc[i] *= shrink;
        max = block_max;
      }
      for (int j = 0; j < count; ++j) {
        const float p = exp(s[j] - max);
        lane[j] += p;
        const float* v = a.values + (first + j) * n;
        for (int i = 0; i < n; ++i) acc[i] += p * v[i];
      }
    }
    const float inverse = 1.0f / add_lanes(lane);
    for (int i = 0; i < n; ++i) out[i] = acc[i] * inverse;
  }
}

}  // namespace pico_llama::portable
