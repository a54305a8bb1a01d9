#include "engine/kernels/attention_q8_parts.h"
#include "engine/kernels/portable/kernels.h"

namespace pico_llama::portable {
namespace {

/// Truncated and saturated, as VCVT does it; 0 for NaN.
int32_t saturate(float x) {
  if (x >= 2147483648.0f) return INT32_MAX;
  if (x < -2147483648.0f) return INT32_MIN;
  return x == x ? static_cast<int32_t>(x) : 0;
}

int key(const AttentionQ8& a, int position, int i) {
  const int word = position / 2 * (a.head_size / 2) + i / 2;
  return static_cast<int8_t>(a.keys[word * 4 + i % 2 * 2 + position % 2]);
}

int value(const AttentionQ8& a, int position, int i) {
  const int word = position / 2 * (a.head_size / 2) + i / 2;
  return static_cast<int8_t>(a.values[word * 4 + position % 2 * 2 + i % 2]);
}

}  // namespace

void attention_q8(const AttentionQ8& a) {
  const int n = a.head_size;
  const AttentionQ8Scratch s(a);
  float q_scale;
  quantize_q8({s.q, &q_scale, a.q, a.heads * n, a.heads * n, attention_q_limit(n)});
  const float factor = (q_scale * a.scale) * kLog2eFixed16;
  const int shift = attention_weight_shift(a.last);
  for (int i = 0; i < a.heads * n; ++i) s.acc[i] = 0;
  for (int h = 0; h < a.heads; ++h) s.sum[h] = 0;
  uint32_t exponent = 0;

  for (int first = 0; first <= a.last; first += kAttentionBlock) {
    const int count = a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock;
    uint32_t largest = 0;
    for (int j = 0; j < count; ++j)
      largest = a.value_scales[first + j] > largest ? a.value_scales[first + j] : largest;
    if (largest >> 3 > exponent) {
      for (int i = 0; i < a.heads * n; ++i) s.acc[i] >>= (largest >> 3) - exponent;
      exponent = largest >> 3;
    }
    for (int h = 0; h < a.heads; ++h) {
      int32_t* t = s.t + h * kAttentionBlock;
      int32_t* acc = s.acc + h * n;
      int32_t max = first == 0 ? INT32_MIN : s.max[h];
      const int32_t old_max = max;
      for (int j = 0; j < count; ++j) {
        int32_t score = 0;
        for (int i = 0; i < n; ++i) score += s.q[h * n + i] * key(a, first + j, i);
        t[j] = saturate(static_cast<float>(score) * (factor * scale8_value(a.key_scales[first + j])));
        max = t[j] > max ? t[j] : max;
      }
      if (first != 0 && max > old_max) shrink(s, h, n, old_max, max);
      s.max[h] = max;
      for (int j = 0; j < count; ++j) {
        const uint32_t difference = static_cast<uint32_t>(max) - static_cast<uint32_t>(t[j]);
        const uint32_t p = exp2_fixed(difference < kExp2Limit ? difference : kExp2Limit);
        s.sum[h] += p;
        const uint32_t code = a.value_scales[first + j];
        const uint32_t down = static_cast<uint32_t>(shift) + exponent - (code >> 3);
        const auto w = static_cast<int32_t>(p * (8 + (code & 7)) >> (down < 31 ? down : 31));
        for (int i = 0; i < n; ++i) acc[i] += w * value(a, first + j, i);
      }
    }
  }
  for (int h = 0; h < a.heads; ++h) {
    const float scale = attention_output_scale(exponent, shift, s.sum[h]);
    for (int i = 0; i < n; ++i) a.q[h * n + i] = static_cast<float>(s.acc[h * n + i]) * scale;
  }
}

}  // namespace pico_llama::portable
