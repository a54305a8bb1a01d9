#include <bit>

#include "engine/kernels/lanes.h"
#include "engine/kernels/portable/kernels.h"
#include "engine/math/rsqrt.h"

namespace pico_llama::portable {

void rmsnorm_q8(const RmsNormQ8& a) {
  float lane[8] = {};
  float max = 0;
  for (int i = 0; i < a.n; ++i) {
    lane[i % 8] += a.x[i] * a.x[i];
    const float y = a.weight[i] * a.x[i];
    const float size = y < 0 ? -y : y;
    max = size > max ? size : max;
  }
  const float ss = rsqrt(add_lanes(lane) / static_cast<float>(a.n) + a.eps);
  const auto limit = static_cast<float>(a.limit);
  *a.scale = ss * (max / limit);
  const float factor = max > 0 ? limit / max : 0;
  for (int i = 0; i < a.n; ++i)
    a.out[i / 2 * 2 * a.step + i % 2] =
        static_cast<int16_t>(std::bit_cast<uint32_t>((a.weight[i] * a.x[i]) * factor + 12582912.0f) & 0xffff);
  for (int i = a.n; i < a.padded_columns; ++i) a.out[i / 2 * 2 * a.step + i % 2] = 0;
}

}  // namespace pico_llama::portable
