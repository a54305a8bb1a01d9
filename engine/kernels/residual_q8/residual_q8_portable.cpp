#include "engine/kernels/portable_kernels.h"
#include "engine/math/lanes.h"

namespace pico_llama::portable {

void residual_q8(const ResidualQ8& a) {
  float largest = 0;
  for (int first = 0; first < a.n; first += 8) {
    float square[8] = {};
    for (int i = first; i < a.n && i < first + 8; ++i) {
      a.x[i] += a.more[i];
      square[i - first] = a.x[i] * a.x[i];
      const float y = a.weight[i] * a.x[i];
      const float size = y < 0 ? -y : y;
      largest = size > largest ? size : largest;
    }
    a.squares[first / 8] = add_lanes(square);
  }
  *a.largest = largest;
}

}  // namespace pico_llama::portable
