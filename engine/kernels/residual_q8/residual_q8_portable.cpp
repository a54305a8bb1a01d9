#include "engine/kernels/residual_q8/residual_q8.h"
#include "engine/math/lanes.h"

namespace pico_llama::portable {

void residual_q8(const ResidualQ8& a) {
  float max_abs = 0;
  for (int first = 0; first < a.n; first += 8) {
    float square[8] = {};
    for (int i = first; i < a.n && i < first + 8; ++i) {
      a.x[i] += a.more[i];
      square[i - first] = a.x[i] * a.x[i];
      const float y = a.weight[i] * a.x[i];
      const float size = y < 0 ? -y : y;
      max_abs = size > max_abs ? size : max_abs;
    }
    a.squares[first / 8] = add_lanes(square);
  }
  *a.max_abs = max_abs;
}

}  // namespace pico_llama::portable
