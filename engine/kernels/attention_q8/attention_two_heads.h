// Shared by the M33 kernels for heads of 8 and for other head sizes.
#pragma once
#include "attention_loops.h"
#include "dsp.h"
#include "engine/kernels/attention_q8/attention_q8_parts.h"

namespace pico_llama::m33 {

/// attention_q8() of two heads of 8 elements.
void attention_heads8(const AttentionQ8& a);

/// Packs two heads' scores into one word.
constexpr uint32_t both(int a, int b) {
  return (static_cast<uint32_t>(a) & 0xffff) | static_cast<uint32_t>(b) << 16;
}
inline uint32_t lowest_of(uint32_t max, int steps) {
  return both(attention_lowest(static_cast<int16_t>(max), steps),
              attention_lowest(static_cast<int16_t>(max >> 16), steps));
}

}  // namespace pico_llama::m33
