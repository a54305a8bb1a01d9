// q8 matmul, two rows in one operand: with h = 256*b + a in each half of a word, SMLAD of the word sums
// 256*S_B + S_A and SMLAD of its SXTB16 sums S_A, so four weights cost one load, one SXTB16 and two SMLADs.
#include "engine/kernels/m33/kernels.h"
#include "engine/model_image_layout.h"
#include "q8_blocks.h"

namespace pico_llama::m33 {

void matmul_q8(const MatmulQ8& a) {
  const auto columns = static_cast<uint32_t>(a.columns);
  const auto block_bytes = static_cast<ptrdiff_t>(q8_block_bytes(columns));
  // Each weight is read once for all tokens: it may come from a memory that is slow to read.
  const int at_once = a.n_tokens == 1 ? a.blocks.end - a.blocks.begin : 1;
  for (int block = a.blocks.begin; block < a.blocks.end; block += at_once) {
    const std::byte* words = a.weights + block * block_bytes;
    for (int t = 0; t < a.n_tokens; ++t)
      dsp::q8_blocks({words, words + at_once * block_bytes, a.x + t * a.x_stride,
                      static_cast<int>(q8_columns(columns) / 2), a.chunk_pairs, a.x_scale[t],
                      a.out + t * a.out_stride + block * kBlockRows});
  }
}

}  // namespace pico_llama::m33
