#include "engine/kernels/rmsnorm/rmsnorm.h"
#include "engine/math/lanes.h"
#include "engine/math/rsqrt.h"

namespace pico_llama::portable {

void rmsnorm(const RmsNorm& a) {
  float lane[8] = {};
  int i = 0;
  for (; i + 8 <= a.n; i += 8)
    for (int j = 0; j < 8; ++j) lane[j] += a.x[i + j] * a.x[i + j];
  for (int j = 0; i + j < a.n; ++j) lane[j] += a.x[i + j] * a.x[i + j];
  const float ss = rsqrt(add_lanes(lane) / static_cast<float>(a.n) + a.eps);
  for (i = 0; i < a.n; ++i) a.out[i] = a.weight[i] * (ss * a.x[i]);
}

}  // namespace pico_llama::portable
