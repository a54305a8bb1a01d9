// The DSP instructions of ../real/dsp.h in portable C++: the m33 kernels then run on a PC, under sanitizers.
#pragma once
#include <bit>
#include <cstdint>

namespace pico_llama::dsp {

inline uint32_t sxtb16(uint32_t w) {
  const auto low = static_cast<uint16_t>(static_cast<int8_t>(w & 0xff));
  const auto high = static_cast<uint16_t>(static_cast<int8_t>(w >> 16 & 0xff));
  return static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << 16;
}

inline uint32_t sxtb16_ror8(uint32_t w) { return sxtb16(w >> 8 | w << 24); }

inline int32_t to_fixed(float x) {
  if (x >= 2147483648.0f) return INT32_MAX;
  if (x < -2147483648.0f) return INT32_MIN;
  return x == x ? static_cast<int32_t>(x) : 0;
}

inline uint32_t smlad(uint32_t a, uint32_t b, uint32_t acc) {
  const int32_t low = static_cast<int16_t>(a & 0xffff) * static_cast<int16_t>(b & 0xffff);
  const int32_t high = static_cast<int16_t>(a >> 16) * static_cast<int16_t>(b >> 16);
  return acc + static_cast<uint32_t>(low) + static_cast<uint32_t>(high);
}

template <int kBits>
inline uint32_t usat(uint32_t x) {
  constexpr uint32_t kMost = (uint32_t{1} << kBits) - 1;
  return x > kMost ? kMost : x;
}

inline int32_t qsub(int32_t a, int32_t b) {
  const int64_t difference = int64_t{a} - b;
  if (difference > INT32_MAX) return INT32_MAX;
  return difference < INT32_MIN ? INT32_MIN : static_cast<int32_t>(difference);
}

template <int kBits>
inline uint32_t usat_asr8(int32_t x) {
  return x < 0 ? 0 : usat<kBits>(static_cast<uint32_t>(x) >> 8);
}

inline uint32_t umax8(uint32_t a, uint32_t b) {
  uint32_t result = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    const uint32_t x = a >> shift & 0xff;
    const uint32_t y = b >> shift & 0xff;
    result |= (x > y ? x : y) << shift;
  }
  return result;
}

template <int kBits, int kShift>
inline int32_t ssat_asr(int32_t x) {
  constexpr int32_t kMost = (1 << (kBits - 1)) - 1;
  x >>= kShift;
  return x > kMost ? kMost : x < -kMost - 1 ? -kMost - 1 : x;
}

inline uint32_t pkhbt_lsl16(uint32_t low, uint32_t high) { return (low & 0xffffu) | high << 16; }

inline int32_t smuad(uint32_t a, uint32_t b) { return static_cast<int32_t>(smlad(a, b, 0)); }

template <int kBits>
inline float from_fixed(int32_t x) {
  return static_cast<float>(x) * (1.0f / static_cast<float>(int64_t{1} << kBits));
}

inline float larger(float a, float b) {
  if (a != a) return b;
  return a > b || b != b ? a : b;
}

inline float larger_size(float max, float x) {
  const float size = x < 0 ? -x : x;
  return size > max ? size : max;
}

inline int16_t rounded(float x) {
  return static_cast<int16_t>(std::bit_cast<uint32_t>(x + 12582912.0f) & 0xffff);
}

}  // namespace pico_llama::dsp
