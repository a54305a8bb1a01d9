// e^x from multiplications and additions alone, so that every machine gives the same bits.
#pragma once
#include <bit>
#include <cstdint>

#include "engine/math/round.h"

namespace pico_llama {

namespace exp_constants {
inline constexpr float kLowest = -87.0f;  ///< smaller x give e^-87 = 1.6e-38
inline constexpr float kHighest = 88.0f;  ///< larger x give e^88 = 1.7e38
inline constexpr float kLog2e = 1.44269502f;
inline constexpr float kLn2High = 0.693145752f;  ///< 16 bits, so that n * kLn2High is exact
inline constexpr float kLn2Low = 1.42860677e-06f;
/// (e^r - 1 - r) / r^2 on |r| <= ln(2)/2, fitted at Chebyshev nodes.
inline constexpr float kC2 = 0.5f, kC3 = 0.166665763f, kC4 = 0.0416665561f, kC5 = 0.00836317893f,
                       kC6 = 0.0013926184f;
}  // namespace exp_constants

/// e^x, clamped outside [-87, 88]. Deterministic: the same bits everywhere. Error: relative, below 9e-8 (1.5
/// times half an ulp at its worst).
constexpr float exp(float x) {
  using namespace exp_constants;  // NOLINT
  x = x < kLowest ? kLowest : x;
  x = x > kHighest ? kHighest : x;
  const float shifted = x * kLog2e + kRoundToLowBits;
  const float n = shifted - kRoundToLowBits;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  const float poly = (((kC6 * r + kC5) * r + kC4) * r + kC3) * r + kC2;
  const float y = ((r * r) * poly + r) + 1.0f;
  // The low bits of `shifted` are n: add them to the exponent.
  return std::bit_cast<float>(std::bit_cast<uint32_t>(y) + (std::bit_cast<uint32_t>(shifted) << 23));
}

}  // namespace pico_llama
