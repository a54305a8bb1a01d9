#pragma once
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/share.h"

namespace pico_llama {

/// Quantises one token's input of a q8 or q4 matmul. With m = max|x|, NaN ignored: scale = m / limit,
/// out[i] = round(x[i] * (limit / m)), to nearest, ties to even; all 0 when m is 0. Columns from `columns` to
/// padded_columns are 0.
/// Cost (M33): 5.8 cycles per element, 9.3 where max_abs is not given.
struct QuantizeQ8 {
  int16_t* out;    ///< (padded_columns), aligned to 4
  float* scale;    ///< (1)
  const float* x;  ///< (columns)
  int columns;
  int padded_columns;
  int limit;           ///< the tensor's activation_limit
  int step = 1;        ///< words between column pairs: 1, or 2 if interleaved (q8_place())
  float max_abs = -1;  ///< max|x| if known, else negative
  /// Columns to write: begins at a multiple of 8 and ends at one, or after the last column.
  Range part = {0, INT32_MAX};
};

}  // namespace pico_llama
