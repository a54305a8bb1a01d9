// q4 matmul: a word holds four rows of two columns; four AND and four SMLAD make eight products.
#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/model/q4_layout.h"
#include "q4_rows.h"

namespace pico_llama::m33 {

void matmul_q4(const MatmulQ4& a) {
  const auto groups = static_cast<int>(q4_groups(static_cast<uint32_t>(a.columns)));
  const auto block_bytes = static_cast<ptrdiff_t>(q4_block_bytes(static_cast<uint32_t>(a.columns)));
  for (int block = a.blocks.begin; block < a.blocks.end; ++block) {
    const std::byte* base = a.weights + block * block_bytes;
    const float scale = *reinterpret_cast<const float*>(base);
    const std::byte* words = base + sizeof(float);
    for (int t = 0; t < a.n_tokens; ++t) {
      int32_t sums[kBlockRows];
      dsp::q4_rows(words, a.x + t * a.x_stride, groups, sums);
      dsp::q4_rows(words + 4, a.x + t * a.x_stride, groups, sums + 4);
      dsp::keep_in_memory(sums);
      const float s = a.x_scale[t] * scale;
      float* out = a.out + t * a.out_stride + block * kBlockRows;
      for (int r = 0; r < kBlockRows; ++r) out[r] = static_cast<float>(sums[r]) * s;
    }
  }
}

}  // namespace pico_llama::m33
