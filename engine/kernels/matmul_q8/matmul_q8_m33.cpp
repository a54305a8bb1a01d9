// q8 matmul, two rows in one operand: with h = 256*b + a in each half of a word, SMLAD of the word sums
// 256*S_B + S_A and SMLAD of its SXTB16 sums S_A, so four weights cost one load, one SXTB16 and two SMLADs.
#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/model/model_image_layout.h"
#include "q8_blocks.h"
#include "q8_blocks_64.h"
#include "q8_blocks_two.h"

namespace pico_llama::m33 {
namespace {

constexpr ptrdiff_t kCacheBudget = 8192;  ///< half of the RP2350's XIP cache

/// One token (contiguous columns), any row length.
[[gnu::noinline]] void one_token_general(const dsp::Q8Blocks& a) { dsp::q8_blocks(a); }

inline void one_token(const MatmulQ8& a, int pairs, const std::byte* words, const std::byte* end, int t,
                      float* out) {
  const int16_t* const x = a.x + t * a.x_stride;
  const float x_scale = a.x_scale[t];
  if (a.shape == RowShape::k64)
    dsp::q8_blocks_64(words, x, end, out, x_scale);
  else
    one_token_general({words, end, x, pairs, a.chunk_pairs, x_scale, out});
}

/// Several tokens, in slices of as many blocks as stay in the XIP cache, so that each weight is read once
/// from slow memory.
[[gnu::noinline]] void several_tokens(const MatmulQ8& a, int pairs, ptrdiff_t block_bytes) {
  int blocks_per_slice = a.blocks.end - a.blocks.begin;
  if (a.n_tokens > 2 && blocks_per_slice * block_bytes > kCacheBudget)
    blocks_per_slice = static_cast<int>(kCacheBudget / block_bytes) + 1;
  for (int block = a.blocks.begin; block < a.blocks.end; block += blocks_per_slice) {
    const int left = a.blocks.end - block;
    const std::byte* words = a.weights + block * block_bytes;
    const std::byte* end = words + (left < blocks_per_slice ? left : blocks_per_slice) * block_bytes;
    float* out = a.out + block * kBlockRows;
    int t = 0;
    for (; t + 2 <= a.n_tokens; t += 2, out += 2 * a.out_stride)
      dsp::q8_blocks_two(
          {words, end, a.x + t * a.x_stride, pairs, a.chunk_pairs, a.x_scale + t, out, a.out_stride});
    if (t < a.n_tokens) one_token(a, pairs, words, end, t, out);
  }
}

}  // namespace

void matmul_q8(const MatmulQ8& a) {
  const auto columns = static_cast<uint32_t>(a.columns);
  const auto block_bytes = static_cast<ptrdiff_t>(q8_block_bytes(columns));
  const auto pairs = static_cast<int>(q8_columns(columns) / 2);
  if (a.n_tokens != 1) return several_tokens(a, pairs, block_bytes);
  if (a.blocks.begin == a.blocks.end) return;
  one_token(a, pairs, a.weights + a.blocks.begin * block_bytes, a.weights + a.blocks.end * block_bytes, 0,
            a.out + a.blocks.begin * kBlockRows);
}

}  // namespace pico_llama::m33
