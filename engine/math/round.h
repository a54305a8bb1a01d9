// Rounding a float to an integer by one addition.
#pragma once
#include <bit>
#include <cstdint>

namespace pico_llama {

/// 1.5 * 2^23. Added to x with |x| < 2^22 it leaves a float without fraction bits: x is rounded to an
/// integer, ties to even, and the sum's low bits are that integer in two's complement.
inline constexpr float kRoundToLowBits = 12582912.0f;

/// x rounded to an integer, ties to even. Unspecified from |x| = 2^22 on and for NaN.
constexpr int32_t round_to_int(float x) {
  return static_cast<int32_t>(std::bit_cast<uint32_t>(x + kRoundToLowBits) -
                              std::bit_cast<uint32_t>(kRoundToLowBits));
}

/// The same for |x| <= 32767, without the subtraction.
constexpr int16_t round_to_int16(float x) {
  return static_cast<int16_t>(std::bit_cast<uint32_t>(x + kRoundToLowBits) & 0xffff);
}

}  // namespace pico_llama
