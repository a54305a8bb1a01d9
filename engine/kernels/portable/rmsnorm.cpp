#include "engine/kernels/lanes.h"
#include "engine/kernels/portable/kernels.h"
#include "engine/math/rsqrt.h"

namespace pico_llama::portable {

void rmsnorm(const RmsNorm& a) {
  float lane[8] = {};
  for (int i = 0; i < a.n; ++i) lane[i % 8] += a.x[i] * a.x[i];
  const float ss = rsqrt(add_lanes(lane) / static_cast<float>(a.n) + a.eps);
  for (int i = 0; i < a.n; ++i) a.out[i] = a.weight[i] * (ss * a.x[i]);
}

}  // namespace pico_llama::portable
