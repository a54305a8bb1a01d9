#pragma once
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/share.h"

namespace pico_llama {

/// rmsnorm and quantize_q8 in one pass; the norm's factor is applied to the scale only. With y[i] = weight[i]
/// * x[i], m = max|y| and ss = rsqrt((squares[0] + squares[1] + ...) / n + eps):
///   scale = ss * (m / limit); out[i] = round(y[i] * (limit / m)), to nearest, ties to even; all 0 when m is
///   0.
/// Cost (M33): 7.8 cycles per element.
struct RmsNormQ8 {
  int16_t* out;          ///< (padded_columns), aligned to 4
  float* scale;          ///< (1)
  const float* x;        ///< (n)
  const float* weight;   ///< (n)
  const float* squares;  ///< (n / 8, rounded up) of x, from residual_q8
  float max_abs;         ///< max|y|
  int n;
  int padded_columns;
  int limit;  ///< the tensor's activation_limit
  float eps;
  int step = 1;                 ///< as QuantizeQ8::step
  Range part = {0, INT32_MAX};  ///< as QuantizeQ8::part
};

}  // namespace pico_llama
