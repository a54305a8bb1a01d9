// rmsnorm_q8, eight elements at a time; the last few of a row one at a time. w * x is computed twice: to keep
// it would cost as much.
#include "dsp.h"
#include "engine/kernels/lanes.h"
#include "engine/kernels/m33/kernels.h"
#include "engine/math/rsqrt.h"
#include "q8_vectors.h"

namespace pico_llama::m33 {

void rmsnorm_q8(const RmsNormQ8& a) {
  const int eights = a.n / 8 * 8;
  // Not {}: for 32 bytes the compiler calls memset, which may lie in flash.
  float lane[8];
  for (float volatile& sum : lane) sum = 0;
  float max = dsp::largest_product(a.x, a.weight, eights, lane);
  for (int i = eights; i < a.n; ++i) {
    lane[i % 8] += a.x[i] * a.x[i];
    max = dsp::larger_size(max, a.weight[i] * a.x[i]);
  }
  const float ss = rsqrt(add_lanes(lane) / static_cast<float>(a.n) + a.eps);
  const auto limit = static_cast<float>(a.limit);
  *a.scale = ss * (max / limit);
  const float factor = max > 0 ? limit / max : 0;
  dsp::store_rounded_product(a.x, a.weight, factor, eights, a.out, a.step);
  for (int i = eights; i < a.padded_columns; ++i)
    a.out[i / 2 * 2 * a.step + i % 2] = i < a.n ? dsp::rounded((a.weight[i] * a.x[i]) * factor) : int16_t{0};
}

}  // namespace pico_llama::m33
