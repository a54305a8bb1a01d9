// quantize_q8, eight elements at a time; the last few of a row one at a time.
#include "dsp.h"
#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/kernels/quantize_q8/quantize_q8.h"
#include "engine/math/round.h"
#include "q8_vectors.h"

namespace pico_llama::m33 {

void quantize_q8(const QuantizeQ8& a) {
  float max = a.max_abs;
  if (max < 0) {
    const int n_whole = a.columns / 8 * 8;
    max = dsp::max_abs_of(a.x, n_whole);
    for (int i = n_whole; i < a.columns; ++i) max = dsp::max_abs(max, a.x[i]);
  }
  const auto limit = static_cast<float>(a.limit);
  *a.scale = max / limit;
  const float factor = max > 0 ? limit / max : 0;
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  int i = a.part.begin;
  const int n_whole = ((end < a.columns ? end : a.columns) - i) & -8;
  if (n_whole > 0) {
    dsp::store_rounded(a.x + i, factor, n_whole, a.out + i * a.step, a.step);
    i += n_whole;
  }
  for (; i < end; ++i)
    a.out[q8_element(i, a.step)] = i < a.columns ? round_to_int16(a.x[i] * factor) : int16_t{0};
}

}  // namespace pico_llama::m33
