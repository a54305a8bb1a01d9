#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/kernels/rmsnorm_q8/rmsnorm_q8.h"
#include "engine/math/round.h"
#include "engine/math/rsqrt.h"

namespace pico_llama::portable {

void rmsnorm_q8(const RmsNormQ8& a) {
  float sum = a.squares[0];
  for (int i = 1; i < (a.n + 7) / 8; ++i) sum += a.squares[i];
  const float ss = rsqrt(sum / static_cast<float>(a.n) + a.eps);
  const auto limit = static_cast<float>(a.limit);
  *a.scale = ss * (a.max_abs / limit);
  const float factor = a.max_abs > 0 ? limit / a.max_abs : 0;
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  for (int i = a.part.begin; i < end && i < a.n; ++i)
    a.out[q8_element(i, a.step)] = round_to_int16((a.weight[i] * a.x[i]) * factor);
  for (int i = a.part.begin > a.n ? a.part.begin : a.n; i < end; ++i) a.out[q8_element(i, a.step)] = 0;
}

}  // namespace pico_llama::portable
