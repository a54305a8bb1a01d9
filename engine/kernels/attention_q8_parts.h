// What every variant of attention_q8 shares: its scratch memory and the constants of its fixed-point formats.
// Functions are static: host/ compiles them with other flags, and the linker must not mix the copies.
#pragma once
#include <bit>
#include <cstdint>

#include "engine/kernels/arguments.h"
#include "engine/kernels/exp2_fixed.h"
#include "engine/kernels/scale8.h"

namespace pico_llama {

inline constexpr float kLog2eFixed16 = 94548.4609f;  ///< log2(e) * 65536

constexpr int attention_q_limit(int head_size) {
  const int limit = INT32_MAX / (127 * head_size);
  return limit < 32767 ? limit : 32767;
}

/// Right shift of p * (8 + mantissa) that leaves w * 127 * (last + 1) below 2^31: w is below 2^15 >> extra.
constexpr int attention_weight_shift(int last) {
  int shift = 4;
  while ((last >> (shift + 5)) > 0) ++shift;
  return shift;
}

/// Factor from acc to sum of p * value: with E the exponent code, a scale is (8 + mantissa) * 2^(E - 3 +
/// lowest).
static inline float attention_output_scale(uint32_t exponent, int shift, uint32_t sum) {
  const int power = static_cast<int>(exponent) + shift - 3 + kScale8LowestExponent;
  return std::bit_cast<float>(static_cast<uint32_t>(power + 127) << 23) / static_cast<float>(sum);
}

namespace {

struct AttentionQ8Scratch {
  explicit AttentionQ8Scratch(const AttentionQ8& a)
      : acc(reinterpret_cast<int32_t*>(a.scratch)),
        t(acc + a.heads * a.head_size),
        max(t + a.heads * kAttentionBlock),
        sum(reinterpret_cast<uint32_t*>(max + a.heads)),
        w(reinterpret_cast<int16_t*>(sum + a.heads)),
        q(w + a.heads * kAttentionBlock) {}
  int32_t* acc;   ///< (heads, head_size)
  int32_t* t;     ///< (heads, kAttentionBlock)
  int32_t* max;   ///< (heads)
  uint32_t* sum;  ///< (heads)
  int16_t* w;     ///< (heads, kAttentionBlock)
  int16_t* q;     ///< (heads, head_size)
};

}  // namespace

/// A larger maximum has come: what a head has summed relative to the old one becomes relative to it.
static inline void shrink(const AttentionQ8Scratch& s, int head, int head_size, int32_t old_max,
                          int32_t max) {
  const uint32_t difference = static_cast<uint32_t>(max) - static_cast<uint32_t>(old_max);
  const uint32_t factor = exp2_fixed(difference < kExp2Limit ? difference : kExp2Limit);
  s.sum[head] = static_cast<uint32_t>(uint64_t{s.sum[head]} * factor >> 15);
  int32_t* acc = s.acc + head * head_size;
  for (int i = 0; i < head_size; ++i)
    acc[i] = static_cast<int32_t>(int64_t{acc[i]} * static_cast<int32_t>(factor) >> 15);
}

}  // namespace pico_llama
