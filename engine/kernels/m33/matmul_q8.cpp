// q8 matmul, two rows in one operand: with h = 256*b + a in each half of a word, SMLAD of the word sums
// 256*S_B + S_A and SMLAD of its SXTB16 sums S_A, so four weights cost one load, one SXTB16 and two SMLADs.
#include "dsp.h"
#include "engine/kernels/m33/kernels.h"
#include "engine/model_image_layout.h"

namespace pico_llama::m33 {
namespace {

using Word [[gnu::may_alias]] = uint32_t;

/// Two row pairs over a chunk of column pairs, added to sums[0..3]. `w` walks blocks of 4 words, of which it
/// takes 2: four accumulators, two words and an activation stay in registers with room for the loop to be
/// unrolled.
void add_chunk(const Word* w, const Word* x, int pairs, uint32_t* sums) {
  uint32_t low0 = 0, low1 = 0, low2 = 0, low3 = 0;
  uint32_t whole0 = 0, whole1 = 0, whole2 = 0, whole3 = 0;
  for (const Word* end = x + pairs; x != end; ++x, w += 4) {
    const uint32_t xi = *x;
    const uint32_t w0 = w[0], w1 = w[1];
    whole0 = dsp::smlad(w0, xi, whole0);
    low0 = dsp::smlad(dsp::sxtb16(w0), xi, low0);
    whole1 = dsp::smlad(w1, xi, whole1);
    low1 = dsp::smlad(dsp::sxtb16(w1), xi, low1);
    const uint32_t w2 = w[2], w3 = w[3];
    whole2 = dsp::smlad(w2, xi, whole2);
    low2 = dsp::smlad(dsp::sxtb16(w2), xi, low2);
    whole3 = dsp::smlad(w3, xi, whole3);
    low3 = dsp::smlad(dsp::sxtb16(w3), xi, low3);
  }
  // whole - low = 256 * S_B exactly, as an int32 (SPEC.md, "Why q8 sums do not overflow").
  const auto take = [sums](int pair, uint32_t low, uint32_t whole) {
    sums[2 * pair] += low;
    sums[2 * pair + 1] += static_cast<uint32_t>(static_cast<int32_t>(whole - low) >> 8);
  };
  take(0, low0, whole0);
  take(1, low1, whole1);
  take(2, low2, whole2);
  take(3, low3, whole3);
}

}  // namespace

void matmul_q8(const MatmulQ8& a) {
  const auto pairs = static_cast<int>(q8_columns(static_cast<uint32_t>(a.columns)) / 2);
  const auto block_bytes = static_cast<ptrdiff_t>(q8_block_bytes(static_cast<uint32_t>(a.columns)));
  for (int block = a.blocks.begin; block < a.blocks.end; ++block) {
    const std::byte* base = a.weights + block * block_bytes;
    const auto* scales = reinterpret_cast<const float*>(base);
    for (int t = 0; t < a.n_tokens; ++t) {
      const auto* words = reinterpret_cast<const Word*>(base + kQ8ScaleBytes);
      const auto* x = reinterpret_cast<const Word*>(a.x + t * a.x_stride);
      uint32_t sums[kBlockRows] = {};
      for (int pair = 0; pair < pairs; pair += a.chunk_pairs) {
        const int count = pairs - pair < a.chunk_pairs ? pairs - pair : a.chunk_pairs;
        add_chunk(words + pair * 4, x + pair, count, sums);
      }
      float* out = a.out + t * a.out_stride + block * kBlockRows;
      for (int r = 0; r < kBlockRows; ++r)
        out[r] = static_cast<float>(static_cast<int32_t>(sums[r])) * (a.x_scale[t] * scales[r]);
    }
  }
}

}  // namespace pico_llama::m33
