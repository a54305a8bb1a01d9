// f32 matmul: two tokens at a time, so that a weight is loaded once for both. A single token waits for the
// bus.
#include "engine/kernels/matmul_f32/matmul_f32.h"

#include <cstddef>

#include "engine/model/config.h"
#include "f32_columns.h"

namespace pico_llama::m33 {

void matmul_f32(const MatmulF32& a) {
  for (int block = a.blocks.begin; block < a.blocks.end; ++block) {
    const float* const w = a.weights + static_cast<ptrdiff_t>(block) * a.columns * kBlockRows;
    const float* x = a.x;
    float* out = a.out + block * kBlockRows;
    int left = a.n_tokens;
    for (; left >= 2; left -= 2, x += 2 * a.x_stride, out += 2 * a.out_stride) {
      float sums[2 * kBlockRows];
      for (float& sum : sums) sum = 0;
      dsp::f32_columns_of_two(w, kBlockRows, x, x + a.x_stride, a.columns, sums);
      for (int r = 0; r < kBlockRows; ++r) out[r] = sums[r];
      for (int r = 0; r < kBlockRows; ++r) out[a.out_stride + r] = sums[kBlockRows + r];
    }
    if (left == 0) continue;
    float sums[kBlockRows];
    for (float& sum : sums) sum = 0;
    dsp::f32_columns(w, kBlockRows, x, a.columns, sums);
    for (int r = 0; r < kBlockRows; ++r) out[r] = sums[r];
  }
}

}  // namespace pico_llama::m33
