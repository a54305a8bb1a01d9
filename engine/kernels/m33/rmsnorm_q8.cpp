// rmsnorm_q8 with its loops unrolled by 4 and results stored two at a time. w * x is computed twice: to keep
// it would cost as much.
#include <bit>

#include "dsp.h"
#include "engine/kernels/lanes.h"
#include "engine/kernels/m33/kernels.h"
#include "engine/math/rsqrt.h"

namespace pico_llama::m33 {
namespace {

using Word [[gnu::may_alias]] = uint32_t;

}  // namespace

void rmsnorm_q8(const RmsNormQ8& a) {
  float lane[8] = {};
  float max0 = 0, max1 = 0;
  int i = 0;
  for (; i + 8 <= a.n; i += 8)
    for (int j = 0; j < 8; j += 2) {
      const float x0 = a.x[i + j], x1 = a.x[i + j + 1];
      const float y0 = a.weight[i + j] * x0, y1 = a.weight[i + j + 1] * x1;
      lane[j] += x0 * x0;
      lane[j + 1] += x1 * x1;
      max0 = dsp::larger_size(max0, y0);
      max1 = dsp::larger_size(max1, y1);
    }
  for (int j = 0; i + j < a.n; ++j) {
    lane[j] += a.x[i + j] * a.x[i + j];
    max0 = dsp::larger_size(max0, a.weight[i + j] * a.x[i + j]);
  }
  const float max = dsp::larger_size(max0, max1);
  const float ss = rsqrt(add_lanes(lane) / static_cast<float>(a.n) + a.eps);
  const auto limit = static_cast<float>(a.limit);
  *a.scale = ss * (max / limit);
  const float factor = max > 0 ? limit / max : 0;
  const auto rounded = [&](int at) {
    return std::bit_cast<uint32_t>((a.weight[at] * a.x[at]) * factor + 12582912.0f);
  };
  auto* out = reinterpret_cast<Word*>(a.out);
  for (i = 0; i + 4 <= a.n; i += 4) {
    const uint32_t q0 = rounded(i), q1 = rounded(i + 1), q2 = rounded(i + 2), q3 = rounded(i + 3);
    out[i / 2] = dsp::pkhbt_lsl16(q0, q1);
    out[i / 2 + 1] = dsp::pkhbt_lsl16(q2, q3);
  }
  for (; i < a.n; ++i) a.out[i] = static_cast<int16_t>(rounded(i) & 0xffff);
  for (; i < a.padded_columns; ++i) a.out[i] = 0;
}

}  // namespace pico_llama::m33
