#pragma once
#include <cstdint>

#include "engine/kernels/kernels.h"

namespace pico_llama {

/// The numerators of a softmax and their sum, in fixed point:
///   x[i] = to_fixed_unsigned((max - logits[i]) * factor) (engine/math/fixed.h): truncated and saturated to
///   32 bits, 0 for NaN and negative values; weight[i] = 2^-(x[i] / 2^27) with 31 fractional bits
///   (engine/math/exp2_fixed.h); sum = sum_i weight[i].
/// Exact: the sum is an integer, so workers' sums can be added in any order.
/// Cost (M33): 17 cycles per element.
struct SoftmaxFixed {
  float* logits;  ///< (n) in: logits; out: weights, as uint32 in the same memory
  int n;
  float max;      ///< maximum over all workers' logits
  float factor;   ///< 2^27 / ln(2) / temperature
  uint64_t* sum;  ///< (1)
};

}  // namespace pico_llama
