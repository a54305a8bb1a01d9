// 1 / (1 + e^-x) in fixed point: a table of straight lines, one multiplication.
#pragma once
#include <cstdint>

#include "engine/math/exp.h"

namespace pico_llama {

/// Lines an eighth apart; their ends reach from -8 to 8.
inline constexpr int kSigmoidLines = 128;
inline constexpr int kSigmoidFractionBits = 13;  ///< of x's 16 that lie within a line

struct SigmoidTable {
  uint32_t at[kSigmoidLines];
};

/// Low half: the line's start with 15 fractional bits. High half: how far it climbs. The first and the last
/// stand for everything beyond them too, and are level.
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

/// Which line x, with 16 fractional bits, is on.
constexpr int sigmoid_line(int32_t x) {
  const int32_t line = (x >> kSigmoidFractionBits) + kSigmoidLines / 2;
  return line < 0 ? 0 : line >= kSigmoidLines ? kSigmoidLines - 1 : line;
}

/// With 28 fractional bits, x with 16. Exact: within 3.9e-4; within 2e-4 from -7.8 to 7.8.
constexpr int32_t sigmoid_fixed(int32_t x) {
  const uint32_t line = kSigmoidTable.at[sigmoid_line(x)];
  const int32_t along = x & ((1 << kSigmoidFractionBits) - 1);
  return (static_cast<int32_t>(line & 0xffff) << kSigmoidFractionBits) +
         static_cast<int32_t>(line >> 16) * along;
}

}  // namespace pico_llama
