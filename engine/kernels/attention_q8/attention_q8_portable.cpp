#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/attention_q8/attention_q8_parts.h"

namespace pico_llama::portable {
namespace {

int key(const AttentionQ8& a, int position, int i) {
  const std::byte* group = a.keys + position / 4 * q8_key_group_bytes(a.head_size);
  return static_cast<int8_t>(group[q8_key_byte(a.head_size, position % 4, i)]);
}

int code(const AttentionQ8& a, int position) {
  const std::byte* group = a.keys + position / 4 * q8_key_group_bytes(a.head_size);
  return static_cast<uint8_t>(group[q8_key_group_bytes(a.head_size) - 4 + position % 4]);
}

int value(const AttentionQ8& a, int position, int i) {
  const int word = position / 2 * (a.head_size / 2) + i / 2;
  return static_cast<int8_t>(a.values[word * 4 + position % 2 * 2 + i % 2]);
}

void one_token(const AttentionQ8& a) {
  const int n = a.head_size;
  const AttentionQ8Scratch s(a);
  const AttentionUnits units = attention_queries(a.q, a.factor, a.heads, a.head_size, s.q);
  const int shift = attention_block_shift(a.last);
  auto* t = reinterpret_cast<int16_t*>(s.block);
  for (int h = 0; h < a.heads; ++h) {
    const int16_t* q = s.q + h * q8_key_elements(n);
    int max = INT16_MIN;
    uint32_t sum = 0;
    for (int i = 0; i < n; ++i) s.acc[i] = 0;
    for (int first = 0; first <= a.last; first += kAttentionBlock) {
      const int count = a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock;
      const int old_lowest = attention_lowest(max, units.steps);
      for (int j = 0; j < count; ++j) {
        int32_t dot = 0;
        for (int i = 0; i < n; ++i) dot += q[i] * key(a, first + j, i);
        t[j] = static_cast<int16_t>(dot * code(a, first + j) >> 16);
        max = t[j] > max ? t[j] : max;
      }
      const int lowest = attention_lowest(max, units.steps);
      if (lowest > old_lowest) rescale_sums(units, lowest - old_lowest, n, s.acc, sum);
      for (int i = 0; i < n; ++i) s.sums[i] = 0;
      for (int j = 0; j < count; ++j) {
        if (t[j] <= lowest) continue;
        const int32_t p = units.table[t[j] - lowest];
        sum += static_cast<uint32_t>(p);
        for (int i = 0; i < n; ++i) s.sums[i] += p * value(a, first + j, i);
      }
      for (int i = 0; i < n; ++i) s.acc[i] += s.sums[i] >> shift;
    }
    const float scale = attention_output_scale(a.value_step, shift, sum);
    for (int i = 0; i < n; ++i) a.q[h * n + i] = static_cast<float>(s.acc[i]) * scale;
  }
}

}  // namespace

void attention_q8(const AttentionQ8& a) {
  one_token(a);
  if (a.n_tokens == 2) one_token(second_token(a));
}

}  // namespace pico_llama::portable
