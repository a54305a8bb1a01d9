// The DSP instructions of ../asm/dsp.h in portable C++: the m33 kernels then run on a PC, under sanitizers.
#pragma once
#include <bit>
#include <cstdint>

#include "engine/math/fixed.h"

namespace pico_llama::dsp {

inline uint32_t sxtb16(uint32_t w) {
  const auto low = static_cast<uint16_t>(static_cast<int8_t>(w & 0xff));
  const auto high = static_cast<uint16_t>(static_cast<int8_t>(w >> 16 & 0xff));
  return static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << 16;
}

inline uint32_t sxtb16_ror8(uint32_t w) { return sxtb16(w >> 8 | w << 24); }

inline uint32_t smlad(uint32_t a, uint32_t b, uint32_t acc) {
  const int32_t low = static_cast<int16_t>(a & 0xffff) * static_cast<int16_t>(b & 0xffff);
  const int32_t high = static_cast<int16_t>(a >> 16) * static_cast<int16_t>(b >> 16);
  return acc + static_cast<uint32_t>(low) + static_cast<uint32_t>(high);
}

inline uint32_t max16(uint32_t a, uint32_t b) {
  const auto larger = [](uint32_t x, uint32_t y) {
    return static_cast<int16_t>(x) > static_cast<int16_t>(y) ? x & 0xffff : y & 0xffff;
  };
  return larger(a, b) | larger(a >> 16, b >> 16) << 16;
}

inline uint32_t upper_halves(uint32_t a, uint32_t b) { return a >> 16 | (b & 0xffff0000u); }

inline int32_t to_fixed(float x) { return pico_llama::to_fixed(x); }

template <int kBits, int kShift>
inline int32_t ssat_asr(int32_t x) {
  constexpr int32_t kMost = (1 << (kBits - 1)) - 1;
  x >>= kShift;
  return x > kMost ? kMost : x < -kMost - 1 ? -kMost - 1 : x;
}

inline int32_t smuad(uint32_t a, uint32_t b) { return static_cast<int32_t>(smlad(a, b, 0)); }

template <int kBits>
inline float from_fixed(int32_t x) {
  return static_cast<float>(x) * (1.0f / static_cast<float>(int64_t{1} << kBits));
}

inline float larger(float a, float b) {
  if (a != a) return b;
  return a > b || b != b ? a : b;
}

inline float max_abs(float max, float x) {
  const float size = x < 0 ? -x : x;
  return size > max ? size : max;
}

}  // namespace pico_llama::dsp
