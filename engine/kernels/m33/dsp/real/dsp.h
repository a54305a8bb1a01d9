// Armv8-M DSP instructions. The build puts this folder, or model/, on the include path.
#pragma once
#include <arm_acle.h>

#include <bit>
#include <cstdint>

namespace pico_llama::dsp {

/// Bytes 0 and 2, sign-extended into the two halves.
inline uint32_t sxtb16(uint32_t w) { return static_cast<uint32_t>(__sxtb16(static_cast<int8x4_t>(w))); }

/// Bytes 1 and 3, sign-extended into the two halves: SXTB16 with its operand rotated, still one instruction.
inline uint32_t sxtb16_ror8(uint32_t w) { return sxtb16(w >> 8 | w << 24); }

/// Truncated to an integer and saturated; 0 for NaN. VCVT does what a C++ cast leaves undefined.
inline int32_t to_fixed(float x) {
  float result;
  __asm__("vcvt.s32.f32 %0, %1" : "=t"(result) : "t"(x));
  return std::bit_cast<int32_t>(result);
}

/// acc + low half * low half + high half * high half, modulo 2^32 (it also sets the Q flag, which we ignore).
inline uint32_t smlad(uint32_t a, uint32_t b, uint32_t acc) {
  return static_cast<uint32_t>(
      __smlad(static_cast<int16x2_t>(a), static_cast<int16x2_t>(b), static_cast<int32_t>(acc)));
}

}  // namespace pico_llama::dsp
