// What the assembly of ../real/attention_heads8.h computes, operation for operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/arguments.h"
#include "engine/kernels/m33/dsp/model/dsp.h"

namespace pico_llama::dsp {

inline uint32_t word_at(const void* words, int i) {
  uint32_t word;
  std::memcpy(&word, static_cast<const char*>(words) + i * 4, sizeof word);
  return word;
}

inline void dots_heads8(const void* keys, const void* q, int pairs, int32_t* t) {
  for (int pair = 0; pair < pairs; ++pair)
    for (int head = 0; head < 2; ++head) {
      uint32_t even = 0, odd = 0;
      for (int i = 0; i < 4; ++i) {
        const uint32_t w = word_at(keys, pair * 4 + i);
        const uint32_t x = word_at(q, head * 4 + i);
        even = smlad(sxtb16(w), x, even);
        odd = smlad(sxtb16_ror8(w), x, odd);
      }
      t[head * kAttentionBlock + 2 * pair] = static_cast<int32_t>(even);
      t[head * kAttentionBlock + 2 * pair + 1] = static_cast<int32_t>(odd);
    }
}

inline void add_values_heads8(const void* values, const void* w, const void* end, int32_t* acc) {
  const auto pairs = static_cast<int>((static_cast<const char*>(end) - static_cast<const char*>(w)) / 4);
  for (int pair = 0; pair < pairs; ++pair)
    for (int head = 0; head < 2; ++head)
      for (int i = 0; i < 2; ++i) {
        const uint32_t v = word_at(values, pair * 4 + i);
        const uint32_t x = word_at(w, head * kAttentionBlock / 2 + pair);
        int32_t* a = acc + head * 8 + 2 * i;
        a[0] = static_cast<int32_t>(smlad(sxtb16(v), x, static_cast<uint32_t>(a[0])));
        a[1] = static_cast<int32_t>(smlad(sxtb16_ror8(v), x, static_cast<uint32_t>(a[1])));
      }
}

}  // namespace pico_llama::dsp
