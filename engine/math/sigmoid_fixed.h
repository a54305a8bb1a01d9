// 1 / (1 + e^-x) in fixed point: piecewise linear, one multiplication.
#pragma once
#include <cstdint>

#include "engine/math/exp.h"

namespace pico_llama {

/// Segments of width 1/8 from -8 to 8.
inline constexpr int kSigmoidLines = 128;
inline constexpr int kSigmoidFractionBits = 13;  ///< fraction bits of x within a segment

struct SigmoidTable {
  uint32_t at[kSigmoidLines];
};

/// Low half: the segment's start value with 15 fraction bits. High half: its rise. The first and last
/// segments are constant and cover everything outside.
inline constexpr SigmoidTable kSigmoidTable = [] {
  SigmoidTable table{};
  const auto start = [](int i) {
    constexpr int kMiddle = kSigmoidLines / 2;
    const float x = static_cast<float>(i - kMiddle) / 8.0f;
    return static_cast<uint32_t>(32768.0f / (1.0f + exp(-x)) + 0.5f);
  };
  for (int i = 1; i < kSigmoidLines - 1; ++i) table.at[i] = start(i) | (start(i + 1) - start(i)) << 16;
  table.at[kSigmoidLines - 1] = 32767;
  return table;
}();

/// Index of the segment that contains x (16 fraction bits).
constexpr int sigmoid_line(int32_t x) {
  const int32_t line = (x >> kSigmoidFractionBits) + kSigmoidLines / 2;
  return line < 0 ? 0 : line >= kSigmoidLines ? kSigmoidLines - 1 : line;
}

/// With 28 fraction bits, x with 16. Error: within 3.9e-4; within 2e-4 from -7.8 to 7.8.
constexpr int32_t sigmoid_fixed(int32_t x) {
  const uint32_t line = kSigmoidTable.at[sigmoid_line(x)];
  const int32_t along = x & ((1 << kSigmoidFractionBits) - 1);
  return (static_cast<int32_t>(line & 0xffff) << kSigmoidFractionBits) +
         static_cast<int32_t>(line >> 16) * along;
}

}  // namespace pico_llama
