// q4 matmul, group by group: a group's columns stay in registers for all blocks. Until the last group is
// added, out holds integers.
#include "dsp.h"
#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/model/q4_layout.h"
#include "q4_groups.h"

namespace pico_llama::m33 {
namespace {

using Total [[gnu::may_alias]] = int32_t;

void clear(float* out, int blocks) {
  for (; blocks > 0; --blocks) {
#pragma GCC unroll 8
    for (int r = 0; r < kBlockRows; ++r) *reinterpret_cast<Total*>(out++) = 0;
  }
}

/// The rows of blocks from their totals, in place. block: the first block, which begins with its scale.
[[gnu::noinline]] void to_floats(float* out, int blocks, const std::byte* block, uint32_t block_bytes,
                                 float x_scale) {
  for (; blocks > 0; --blocks, block += block_bytes) {
    const float scale = *reinterpret_cast<const float*>(block) * x_scale;
#pragma GCC unroll 8
    for (int r = 0; r < kBlockRows; ++r, ++out)
      *out = static_cast<float>(*reinterpret_cast<const Total*>(out)) * scale;
  }
}

/// Of so many that are left, those to take next. A single one costs 1.3 times its share of two or three.
int tokens_together(int left) { return left == 4 ? 2 : left > 3 ? 3 : left; }

}  // namespace

void matmul_q4(const MatmulQ4& a) {
  const int blocks = a.blocks.end - a.blocks.begin;
  if (blocks <= 0) return;
  const auto groups = static_cast<int>(q4_groups(static_cast<uint32_t>(a.columns)));
  const auto block_bytes = static_cast<uint32_t>(q4_block_bytes(static_cast<uint32_t>(a.columns)));
  const std::byte* const first = a.weights + a.blocks.begin * static_cast<ptrdiff_t>(block_bytes);
  for (int t = 0, tokens; t < a.n_tokens; t += tokens) {
    tokens = tokens_together(a.n_tokens - t);
    const int16_t* const x = a.x + t * a.x_stride;
    const int32_t* const bias = a.x_bias + t * groups;
    float* const out = a.out + t * a.out_stride + a.blocks.begin * kBlockRows;
    for (int of = 0; of < tokens; ++of) clear(out + of * a.out_stride, blocks);
    dsp::Q4Groups all{{x, x + a.x_stride, x + 2 * a.x_stride},
                      {bias, bias + groups, bias + 2 * groups},
                      first + sizeof(float),
                      reinterpret_cast<int32_t*>(out),
                      blocks,
                      block_bytes,
                      a.out_stride * static_cast<int32_t>(sizeof(float)),
                      groups};
    if (tokens == 3)
      dsp::q4_groups_three(all);
    else if (tokens == 2)
      dsp::q4_groups_two(all);
    else
      dsp::q4_groups_one(all);
    for (int of = 0; of < tokens; ++of)
      to_floats(out + of * a.out_stride, blocks, first, block_bytes, a.x_scale[t + of]);
  }
}

}  // namespace pico_llama::m33
