// rmsnorm_q8, eight elements at a time; the last few of a row one at a time.
#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/kernels/rmsnorm_q8/rmsnorm_q8.h"
#include "engine/math/round.h"
#include "engine/math/rsqrt.h"
#include "q8_vectors.h"

namespace pico_llama::m33 {

void rmsnorm_q8(const RmsNormQ8& a) {
  float sum = a.squares[0];
  for (int i = 1; i < (a.n + 7) / 8; ++i) sum += a.squares[i];
  const float ss = rsqrt(sum / static_cast<float>(a.n) + a.eps);
  const auto limit = static_cast<float>(a.limit);
  *a.scale = ss * (a.max_abs / limit);
  const float factor = a.max_abs > 0 ? limit / a.max_abs : 0;
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  int i = a.part.begin;
  const int n_whole = ((end < a.n ? end : a.n) - i) & -8;
  if (n_whole > 0) {
    dsp::store_rounded_product(a.x + i, a.weight + i, factor, n_whole, a.out + i * a.step, a.step);
    i += n_whole;
  }
  for (; i < end; ++i)
    a.out[q8_element(i, a.step)] = i < a.n ? round_to_int16((a.weight[i] * a.x[i]) * factor) : int16_t{0};
}

}  // namespace pico_llama::m33
