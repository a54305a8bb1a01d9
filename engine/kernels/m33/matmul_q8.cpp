// q8 matmul, two rows in one operand: with h = 256*b + a in each half of a word, SMLAD of the word sums
// 256*S_B + S_A and SMLAD of its SXTB16 sums S_A, so four weights cost one load, one SXTB16 and two SMLADs.
#include "engine/kernels/m33/kernels.h"
#include "engine/model_image_layout.h"
#include "q8_chunk.h"

namespace pico_llama::m33 {
void matmul_q8(const MatmulQ8& a) {
  const auto pairs = static_cast<int>(q8_columns(static_cast<uint32_t>(a.columns)) / 2);
  const auto block_bytes = static_cast<ptrdiff_t>(q8_block_bytes(static_cast<uint32_t>(a.columns)));
  const int first_pairs = pairs < a.chunk_pairs ? pairs : a.chunk_pairs;
  for (int block = a.blocks.begin; block < a.blocks.end; ++block) {
    const std::byte* base = a.weights + block * block_bytes;
    const auto* scales = reinterpret_cast<const float*>(base);
    const std::byte* words = base + kQ8ScaleBytes;
    for (int t = 0; t < a.n_tokens; ++t) {
      const int16_t* x = a.x + t * a.x_stride;
      dsp::Q8Sums sums;
      dsp::q8_chunk(words, x, first_pairs, sums);
      for (int pair = first_pairs; pair < pairs; pair += a.chunk_pairs) {
        const int count = pairs - pair < a.chunk_pairs ? pairs - pair : a.chunk_pairs;
        dsp::Q8Sums more;
        dsp::q8_chunk(words + ptrdiff_t{pair} * 16, x + 2 * pair, count, more);
        for (int r = 0; r < kBlockRows; ++r) sums.row[r] += more.row[r];
      }
      dsp::keep_in_memory(sums);
      const float x_scale = a.x_scale[t];
      float* out = a.out + t * a.out_stride + block * kBlockRows;
      for (int r = 0; r < kBlockRows; ++r)
        out[r] = static_cast<float>(static_cast<int32_t>(sums.row[r])) * (x_scale * scales[r]);
    }
  }
}

}  // namespace pico_llama::m33
