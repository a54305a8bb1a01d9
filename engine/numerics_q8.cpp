#include <cstring>

#include "engine/model_image_layout.h"
#include "engine/numerics.h"
#include "kernels_backend.h"

namespace pico_llama {

void NumericsQ8::embed(const Tensor& table, int32_t token, Range rows, float* x) {
  const auto row = static_cast<uint32_t>(token);
  float scale;
  std::memcpy(&scale, table.data + q8_scale_offset(row, table.columns), sizeof scale);
  const std::byte* words = table.data + q8_word_offset(row, 0, table.columns);
  for (int i = rows.begin; i < rows.end; ++i) {
    uint32_t word;
    std::memcpy(&word, words + static_cast<ptrdiff_t>(i / 2) * 16, sizeof word);
    x[i] = scale * static_cast<float>(q8_weight(word, row, static_cast<uint32_t>(i)));
  }
}

void NumericsQ8::set_input(const float* x, int stride, const Tensor& consumer) {
  const auto columns = static_cast<int>(consumer.columns);
  for (int t = first; t < n; ++t)
    kernels::quantize_q8({scratch.xq + t * s.columns_stride, scratch.xq_scale + t, x + t * stride, columns,
                          round_up(columns, 4), consumer.activation_limit});
}

void NumericsQ8::matmul(float* out, int out_stride, const Tensor& w, Share mine) const {
  kernels::matmul_q8({w.data, static_cast<int>(w.columns), w.chunk_pairs,
                      mine.blocks(static_cast<int>(w.rows)), scratch.xq + first * s.columns_stride,
                      s.columns_stride, scratch.xq_scale + first, n - first, out, out_stride});
}

}  // namespace pico_llama
