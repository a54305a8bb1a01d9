// residual_q8, eight elements at a time; the last few of a vector one at a time.
#include "dsp.h"
#include "engine/kernels/residual_q8/residual_q8.h"
#include "engine/math/lanes.h"
#include "q8_vectors.h"

namespace pico_llama::m33 {

void residual_q8(const ResidualQ8& a) {
  const int n_whole = a.n / 8 * 8;
  float max_abs = dsp::add_and_measure(a.x, a.more, a.weight, n_whole, a.squares);
  if (n_whole < a.n) [[unlikely]] {
    float square[8];
    for (float& s : square) s = 0;
    for (int i = n_whole; i < a.n; ++i) {
      a.x[i] += a.more[i];
      square[i - n_whole] = a.x[i] * a.x[i];
      max_abs = dsp::max_abs(max_abs, a.weight[i] * a.x[i]);
    }
    a.squares[n_whole / 8] = add_lanes(square);
  }
  *a.max_abs = max_abs;
}

}  // namespace pico_llama::m33
