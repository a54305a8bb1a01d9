#include "engine/kernels/matmul_f32/matmul_f32.h"

#include <cstddef>

#include "engine/model/config.h"

namespace pico_llama::portable {

void matmul_f32(const MatmulF32& a) {
  for (int block = a.blocks.begin; block < a.blocks.end; ++block) {
    const float* w = a.weights + static_cast<ptrdiff_t>(block) * a.columns * kBlockRows;
    for (int t = 0; t < a.n_tokens; ++t) {
      const float* x = a.x + t * a.x_stride;
      float sum[kBlockRows] = {};
      for (int i = 0; i < a.columns; ++i)
        for (int r = 0; r < kBlockRows; ++r) sum[r] += w[i * kBlockRows + r] * x[i];
      float* out = a.out + t * a.out_stride + block * kBlockRows;
      for (int r = 0; r < kBlockRows; ++r) out[r] = sum[r];
    }
  }
}

}  // namespace pico_llama::portable
