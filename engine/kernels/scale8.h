// A positive scale in one byte: 5 bits exponent, 3 bits mantissa, from 2^-24 to 1.875 * 2^7. As a scale of
// int8 values it is rounded up, so that no value leaves its range; it costs them at most 1/8 of their
// resolution.
#pragma once
#include <bit>
#include <cstdint>

namespace pico_llama {

inline constexpr int kScale8LowestExponent = -24;

constexpr float scale8_value(uint8_t code) {
  return std::bit_cast<float>((static_cast<uint32_t>(code) << 20) +
                              (uint32_t{127 + kScale8LowestExponent} << 23));
}

/// The least scale that is not below x, or the largest there is. Requires: x >= 0.
constexpr uint8_t scale8_at_least(float x) {
  constexpr uint32_t lowest = uint32_t{127 + kScale8LowestExponent} << 3;
  const uint32_t rounded = (std::bit_cast<uint32_t>(x) + 0xfffffu) >> 20;
  if (rounded <= lowest) return 0;
  return rounded - lowest > 255 ? 255 : static_cast<uint8_t>(rounded - lowest);
}

}  // namespace pico_llama
