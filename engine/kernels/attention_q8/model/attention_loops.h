// C++ model of ../asm/attention_loops.h, operation by operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/attention_q8/attention_loop_args.h"
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/dsp/model/dsp.h"

namespace pico_llama::dsp {

/// A pointer needs more than 32 bits here; the distance from the first value does not.
inline uint32_t values_handle(const void* values, const void* base) {
  return static_cast<uint32_t>(static_cast<const char*>(values) - static_cast<const char*>(base));
}
inline const void* values_at(uint32_t handle, const void* base) {
  return static_cast<const char*>(base) + handle;
}

inline uint32_t word_at(const void* words, int i) {
  uint32_t word;
  std::memcpy(&word, static_cast<const char*>(words) + i * 4, sizeof word);
  return word;
}

inline uint32_t scores_of_two_heads8(const void* keys, const void* x, int groups, uint32_t* t, uint32_t max) {
  for (int j = 0; j < groups * 4; ++j) {
    const char* group = static_cast<const char*>(keys) + j / 4 * 36;
    uint32_t sum[2] = {};
    for (int i = 0; i < 2; ++i)
      for (int h = 0; h < 2; ++h) {
        const uint32_t w = word_at(group, j % 4 * 2 + i);
        sum[h] = smlad(sxtb16(w), word_at(x, h * 4 + i * 2), sum[h]);
        sum[h] = smlad(sxtb16_ror8(w), word_at(x, h * 4 + i * 2 + 1), sum[h]);
      }
    const uint32_t code = static_cast<uint8_t>(group[32 + j % 4]);
    t[j] = upper_halves(sum[0] * code, sum[1] * code);
    max = max16(t[j], max);
  }
  return max;
}

inline uint32_t weight(uint32_t t, uint32_t lowest, const uint16_t* table) {
  const int above = static_cast<int16_t>(t) - static_cast<int16_t>(lowest);
  return above > 0 ? table[above] : 0;
}

inline void weights_of_two_heads(AttentionWeights& w) {
  uint32_t values = w.values;
  for (const uint32_t* t = w.t; t != w.t_end; t += 2, values += w.values_step) {
    const uint32_t a0 = weight(t[0], w.lowest, w.table), a1 = weight(t[1], w.lowest, w.table);
    const uint32_t b0 = weight(t[0] >> 16, w.lowest >> 16, w.table);
    const uint32_t b1 = weight(t[1] >> 16, w.lowest >> 16, w.table);
    if ((a0 | a1 | b0 | b1) == 0) continue;
    w.sum_a += a0 + a1;
    w.sum_b += b0 + b1;
    *w.out++ = {a0 | a1 << 16, b0 | b1 << 16, values};
  }
}

inline void values_of_two_heads8(const AttentionEntry* entries, const AttentionEntry* end, const void* base,
                                 int32_t* acc) {
  for (; entries != end; ++entries)
    for (int i = 0; i < 4; ++i) {
      const uint32_t v = word_at(values_at(entries->values, base), i);
      for (int h = 0; h < 2; ++h) {
        const uint32_t w = h == 0 ? entries->weights_a : entries->weights_b;
        int32_t* const to = acc + h * 8 + 2 * i;
        to[0] = static_cast<int32_t>(smlad(sxtb16(v), w, static_cast<uint32_t>(to[0])));
        to[1] = static_cast<int32_t>(smlad(sxtb16_ror8(v), w, static_cast<uint32_t>(to[1])));
      }
    }
}

inline TwoSums dot_of_two(const void* key, const void* xa, const void* xb, int words) {
  TwoSums sums{0, 0};
  for (int i = 0; i < words; ++i) {
    const uint32_t w = word_at(key, i);
    sums.a = smlad(sxtb16(w), word_at(xa, 2 * i), sums.a);
    sums.a = smlad(sxtb16_ror8(w), word_at(xa, 2 * i + 1), sums.a);
    sums.b = smlad(sxtb16(w), word_at(xb, 2 * i), sums.b);
    sums.b = smlad(sxtb16_ror8(w), word_at(xb, 2 * i + 1), sums.b);
  }
  return sums;
}

inline void values_of_two(const AttentionEntry* entries, const AttentionEntry* end, const void* base, int at,
                          int32_t* a, int32_t* b) {
  const auto add = [](int32_t& sum, uint32_t v, uint32_t w) {
    sum = static_cast<int32_t>(smlad(v, w, static_cast<uint32_t>(sum)));
  };
  for (; entries != end; ++entries) {
    const uint32_t v = word_at(values_at(entries->values, base), at / 4);
    add(a[0], sxtb16(v), entries->weights_a);
    add(a[1], sxtb16_ror8(v), entries->weights_a);
    add(b[0], sxtb16(v), entries->weights_b);
    add(b[1], sxtb16_ror8(v), entries->weights_b);
  }
}

}  // namespace pico_llama::dsp
