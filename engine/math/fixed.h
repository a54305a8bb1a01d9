// Float to integer as the M33's VCVT does it.
#pragma once
#include <cstdint>

namespace pico_llama {

/// Truncated and saturated; 0 for NaN.
inline int32_t to_fixed(float x) {
  if (x >= 2147483648.0f) return INT32_MAX;
  if (x < -2147483648.0f) return INT32_MIN;
  return x == x ? static_cast<int32_t>(x) : 0;
}

/// The same for VCVT to an unsigned number: what is negative is 0.
inline uint32_t to_fixed_unsigned(float x) {
  if (x >= 4294967296.0f) return UINT32_MAX;
  return x > 0 ? static_cast<uint32_t>(x) : 0;
}

}  // namespace pico_llama
