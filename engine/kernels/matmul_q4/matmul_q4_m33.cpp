// q4 matmul: a word holds four rows of two columns; four AND unpack it, for two tokens where there are two.
#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/model/q4_layout.h"
#include "q4_block_two.h"
#include "q4_rows.h"

namespace pico_llama::m33 {
namespace {

/// out[r] = float(sums[r]) * scale for a block's rows. Not inlined: SRAM is scarcer than the call's cycles.
[[gnu::noinline]] void store_rows(const int32_t* sums, float scale, float* out) {
#pragma GCC unroll 8
  for (int r = 0; r < kBlockRows; ++r) out[r] = static_cast<float>(sums[r]) * scale;
}

}  // namespace

void matmul_q4(const MatmulQ4& a) {
  const auto groups = static_cast<int>(q4_groups(static_cast<uint32_t>(a.columns)));
  const auto block_bytes = static_cast<ptrdiff_t>(q4_block_bytes(static_cast<uint32_t>(a.columns)));
  for (int block = a.blocks.begin; block < a.blocks.end; ++block) {
    const std::byte* base = a.weights + block * block_bytes;
    const float scale = *reinterpret_cast<const float*>(base);
    const std::byte* words = base + sizeof(float);
    for (int t = 0; t < a.n_tokens; t += 2) {
      const int16_t* x = a.x + t * a.x_stride;
      const int tokens = a.n_tokens - t < 2 ? 1 : 2;
      int32_t sums[2 * kBlockRows];
      if (tokens == 2) {
        for (int32_t& sum : sums) sum = 0;
        dsp::q4_block_two(words, x, x + a.x_stride, groups, sums);
      } else {
        dsp::q4_rows(words, x, groups, sums);
        dsp::q4_rows(words + 4, x, groups, sums + 4);
      }
      for (int of = 0; of < tokens; ++of)
        store_rows(sums + of * kBlockRows, a.x_scale[t + of] * scale,
                   a.out + (t + of) * a.out_stride + block * kBlockRows);
    }
  }
}

}  // namespace pico_llama::m33
