#pragma once
#include <cstdint>

#include "engine/kernels/kernels.h"

namespace pico_llama {

/// The index of the largest value, the first of equals. NaN is ignored; where nothing is above -inf it is 0.
struct Argmax {
  int32_t* index;       ///< (1)
  const float* values;  ///< (n)
  int n;
};

}  // namespace pico_llama
