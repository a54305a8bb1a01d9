#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/kernels/quantize_q8/quantize_q8.h"
#include "engine/math/round.h"

namespace pico_llama::portable {

void quantize_q8(const QuantizeQ8& a) {
  float max = a.max_abs < 0 ? 0 : a.max_abs;
  for (int i = 0; i < a.columns && a.max_abs < 0; ++i) {
    const float size = a.x[i] < 0 ? -a.x[i] : a.x[i];
    max = size > max ? size : max;
  }
  const auto limit = static_cast<float>(a.limit);
  *a.scale = max / limit;
  const float factor = max > 0 ? limit / max : 0;
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  for (int i = a.part.begin; i < end && i < a.columns; ++i)
    a.out[q8_element(i, a.step)] = round_to_int16(a.x[i] * factor);
  for (int i = a.part.begin > a.columns ? a.part.begin : a.columns; i < end; ++i)
    a.out[q8_element(i, a.step)] = 0;
}

}  // namespace pico_llama::portable
