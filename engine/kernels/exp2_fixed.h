// 2^-x in fixed point: a table and a shift, no multiplication.
#pragma once
#include <cstdint>

#include "engine/math/exp.h"

namespace pico_llama {

struct Exp2Table {
  uint16_t at[256];
};

/// 2^-(i + 1/2)/256 with 15 fractional bits: each entry stands for its middle.
inline constexpr Exp2Table kExp2Table = [] {
  Exp2Table table{};
  for (int i = 0; i < 256; ++i)
    table.at[i] = static_cast<uint16_t>(
        exp(-0.693147181f * ((static_cast<float>(i) + 0.5f) / 256.0f)) * 32768.0f + 0.5f);
  return table;
}();

/// Differences above this give 0 as it does.
inline constexpr uint32_t kExp2Limit = 0x1fffff;

/// 2^-(x / 65536) with 15 fractional bits. Exact: within 0.14 % + 2^-15. Requires: x <= kExp2Limit.
static inline uint32_t exp2_fixed(uint32_t x) { return uint32_t{kExp2Table.at[x >> 8 & 0xff]} >> (x >> 16); }

}  // namespace pico_llama
