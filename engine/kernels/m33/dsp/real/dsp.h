// Armv8-M DSP instructions. The build puts this folder, or model/, on the include path.
#pragma once
#include <arm_acle.h>

#include <cstdint>

namespace pico_llama::dsp {

/// Bytes 0 and 2, sign-extended into the two halves.
inline uint32_t sxtb16(uint32_t w) { return static_cast<uint32_t>(__sxtb16(static_cast<int8x4_t>(w))); }

/// acc + low half * low half + high half * high half, modulo 2^32 (it also sets the Q flag, which we ignore).
inline uint32_t smlad(uint32_t a, uint32_t b, uint32_t acc) {
  return static_cast<uint32_t>(
      __smlad(static_cast<int16x2_t>(a), static_cast<int16x2_t>(b), static_cast<int32_t>(acc)));
}

}  // namespace pico_llama::dsp
