// Shared by every variant of attention_q8: its scratch memory and the fixed-point formats of its queries.
#pragma once
#include <bit>
#include <cstdint>

#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/math/exp_fixed.h"
#include "engine/math/round.h"

namespace pico_llama {

/// Right shift of a block's sums of p * value that keeps the total below 2^31 (512 positions need none: 512 *
/// 32767 * 128 < 2^31).
constexpr int attention_block_shift(int last) {
  int shift = 0;
  while ((last >> shift) >= 512) ++shift;
  return shift;
}

namespace {

struct AttentionQ8Scratch {
  explicit AttentionQ8Scratch(const AttentionQ8& a)
      : block(reinterpret_cast<uint32_t*>(a.scratch)),
        acc(reinterpret_cast<int32_t*>(a.scratch + kAttentionBlockBytes)),
        sums(acc + 2 * a.head_size),
        q(reinterpret_cast<int16_t*>(sums + 2 * a.head_size)) {}
  uint32_t* block;  ///< kAttentionBlockBytes: scores and weights of a block, of one or two heads
  int32_t* acc;     ///< (2, head_size)
  int32_t* sums;    ///< (2, head_size) of one block
  int16_t* q;       ///< (heads, head_size rounded up to 4)
};

/// Scale of a call's scores: its exp() table, and the number of score units in 8 nats.
struct AttentionUnits {
  const uint16_t* table;
  int steps;
};

}  // namespace

/// Quantises a token's queries to int16, padding each head with 0 (see AttentionQ8). Constant heads and
/// head_size let the compiler unroll.
[[gnu::always_inline]] static inline AttentionUnits attention_queries(const float* queries, float unit,
                                                                      int heads, int head_size, int16_t* q) {
  float largest = 0;
  for (int h = 0; h < heads; ++h) {
    float sum = 0;
    for (int i = 0; i < head_size; ++i) sum += __builtin_fabsf(queries[h * head_size + i]);
    largest = sum > largest ? sum : largest;
  }
  // 1/128 is margin for rounding. A positive float's upper bits are its biased exponent.
  const uint32_t bound = std::bit_cast<uint32_t>(largest * unit * 1.0078125f) >> 23;
  const int exponent = bound <= 127 + 14 ? 0 : static_cast<int>(bound) - (127 + 14);
  const float factor = unit * std::bit_cast<float>(static_cast<uint32_t>(127 - exponent) << 23);
  const auto rounded = [&](float x) {
    return std::bit_cast<uint32_t>(x * factor + kRoundToLowBits) & 0xffff;
  };
  using Word [[gnu::may_alias]] = uint32_t;
  auto* words = reinterpret_cast<Word*>(q);
  for (int h = 0; h < heads; ++h) {
    const float* const x = queries + h * head_size;
    for (int i = 0; i < head_size; i += 2) *words++ = rounded(x[i]) | rounded(x[i + 1]) << 16;
    if (head_size % 4 != 0) *words++ = 0;
  }
  return {kExpTables.at + exp_table_offset(exponent), exp_steps(exponent)};
}

/// Scores up to this one have weight 0.
static inline int attention_lowest(int max, int steps) {
  return max - steps > INT16_MIN ? max - steps : INT16_MIN;
}

/// Rescales the sums to a new maximum.
static inline void rescale_sums(AttentionUnits units, int growth, int head_size, int32_t* acc,
                                uint32_t& sum) {
  const int32_t factor = growth < units.steps ? units.table[units.steps - growth] : 0;
  sum = static_cast<uint32_t>(uint64_t{sum} * static_cast<uint32_t>(factor) >> 15);
#pragma GCC unroll 1  // rare, and SRAM is scarce
  for (int i = 0; i < head_size; ++i) acc[i] = static_cast<int32_t>(int64_t{acc[i]} * factor >> 15);
}

/// The factor from acc to the output.
static inline float attention_output_scale(float value_step, int shift, uint32_t sum) {
  return value_step * std::bit_cast<float>(static_cast<uint32_t>(127 + shift) << 23) /
         static_cast<float>(sum);
}

}  // namespace pico_llama
