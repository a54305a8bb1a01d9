#pragma once

#include "engine/kernels/kernels.h"

namespace pico_llama {

/// x[i] += more[i], and the statistics of the new x that rmsnorm_q8 needs:
///   squares[b] = the sum of x[i]^2 of elements 8b to 8b + 7, those past n counting as 0;
///   max_abs = max |weight[i] * x[i]|, NaN ignored.
/// A vector may be split among workers at multiples of 8.
/// Exact: the eight squares are added as ((0+4)+(2+6)) + ((1+5)+(3+7)).
/// Cost (M33): 10.5 cycles per element.
struct ResidualQ8 {
  float* x;             ///< (n)
  const float* more;    ///< (n)
  const float* weight;  ///< (n) of the norm that reads x next
  int n;
  float* squares;  ///< (n / 8, rounded up)
  float* max_abs;  ///< (1)
};

}  // namespace pico_llama
