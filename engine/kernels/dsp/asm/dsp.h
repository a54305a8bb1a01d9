// Armv8-M DSP instructions. The build puts this folder, or model/, on the include path.
// Not arm_acle.h: with its intrinsics GCC 12 moves accumulators between registers and emits a separate rotate
// although SXTB16 can rotate its operand.
#pragma once
#include <bit>
#include <cstdint>

namespace pico_llama::dsp {

/// Bytes 0 and 2, sign-extended into the two halves.
inline uint32_t sxtb16(uint32_t w) {
  uint32_t result;
  __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(w));
  return result;
}

/// Bytes 1 and 3, sign-extended into the two halves.
inline uint32_t sxtb16_ror8(uint32_t w) {
  uint32_t result;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(w));
  return result;
}

/// acc + low half * low half + high half * high half, modulo 2^32 (also sets the Q flag, which is not
/// used).
inline uint32_t smlad(uint32_t a, uint32_t b, uint32_t acc) {
  __asm__("smlad %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/// The larger of each half, as signed numbers.
inline uint32_t max16(uint32_t a, uint32_t b) {
  uint32_t result;
  __asm__("ssub16 %0, %1, %2 \n sel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b));
  return result;
}

/// Packs the upper halves of a (low) and b (high).
inline uint32_t upper_halves(uint32_t a, uint32_t b) {
  uint32_t result;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(b), "r"(a));
  return result;
}

/// Truncated to an integer and saturated; 0 for NaN. VCVT does what a C++ cast leaves undefined.
inline int32_t to_fixed(float x) {
  float result;
  __asm__("vcvt.s32.f32 %0, %1" : "=t"(result) : "t"(x));
  return std::bit_cast<int32_t>(result);
}

/// The larger of the two; if one is NaN, the other.
inline float larger(float a, float b) {
  float result;
  __asm__("vmaxnm.f32 %0, %1, %2" : "=t"(result) : "t"(a), "t"(b));
  return result;
}

/// The larger of max and |x|; max where x is NaN. Requires: max >= 0.
inline float max_abs(float max, float x) {
  float size;
  __asm__("vabs.f32 %0, %1" : "=t"(size) : "t"(x));
  __asm__("vmaxnm.f32 %0, %1, %2" : "=t"(max) : "t"(max), "t"(size));
  return max;
}

}  // namespace pico_llama::dsp
