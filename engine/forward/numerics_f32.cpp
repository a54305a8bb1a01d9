#include "engine/forward/numerics.h"
#include "engine/kernels/attention_f32/attention_f32.h"
#include "engine/kernels/backend.h"
#include "engine/kernels/matmul_f32/matmul_f32.h"
#include "engine/kernels/rmsnorm/rmsnorm.h"
#include "engine/kernels/swiglu/swiglu.h"
#include "engine/math/rsqrt.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama {

void NumericsF32::read_row(const Tensor& table, int32_t row, Range columns, float* out) {
  const float* block = table.f32() + f32_index(static_cast<uint32_t>(row), 0, table.columns);
  for (int i = columns.begin; i < columns.end; ++i) out[i] = block[static_cast<ptrdiff_t>(i) * kBlockRows];
}

void NumericsF32::embed(const Tensor& table, std::span<const int32_t> tokens, Range rows,
                        const Tensor&) const {
  for (int t = 0; t < n; ++t) read_row(table, tokens[static_cast<size_t>(t)], rows, s.x + t * s.dim_stride);
}

void NumericsF32::add_to_x(const float* xb2, Range rows, const Tensor&) const {
  for (int t = first; t < n; ++t)
    for (int i = rows.begin; i < rows.end; ++i) s.x[t * s.dim_stride + i] += xb2[t * s.dim_stride + i];
}

void NumericsF32::set_input(const float* x, int stride, const Tensor&) {
  input = x;
  input_stride = stride;
}

void NumericsF32::set_normed_input(const Tensor& weight, float eps, const Tensor& consumer) {
  for (int t = first; t < n; ++t)
    kernels::rmsnorm({scratch.xb + t * s.dim_stride, s.x + t * s.dim_stride, weight.f32(), p.dim, eps});
  set_input(scratch.xb, s.dim_stride, consumer);
}

void NumericsF32::matmul(float* out, int out_stride, const Tensor& w, Share mine) const {
  each_piece(w, mine, [&](const std::byte* data, BlockRange blocks, int row) {
    kernels::matmul_f32({reinterpret_cast<const float*>(data), static_cast<int>(w.columns), blocks,
                         input + first * input_stride, input_stride, n - first, out + row, out_stride});
  });
}

void NumericsF32::swiglu(Range rows) const {
  for (int t = first; t < n; ++t) {
    const int at = t * s.hidden_stride + rows.begin;
    kernels::swiglu({s.hb + at, s.hb2 + at, rows.end - rows.begin});
  }
}

void NumericsF32::store(int, Heads kv_heads, CachePart part) const {
  const int head_size = p.head_size();
  for (int h = kv_heads.begin; h < kv_heads.end; h += kv_heads.step) {
    auto* const keys = reinterpret_cast<float*>(part.keys);
    auto* const values = reinterpret_cast<float*>(part.values);
    for (int t = 0; t < n; ++t) {
      const int at = pos + t;
      const int row = t * s.kv_stride + h * head_size;
      for (int i = 0; i < head_size; ++i) {
        keys[(at / 8 * head_size + i) * 8 + at % 8] = s.k[row + i];
        values[at * head_size + i] = s.v[row + i];
      }
    }
    part.keys += static_cast<size_t>(kv_heads.step) * s.key_head_bytes;
    part.values += static_cast<size_t>(kv_heads.step) * s.value_head_bytes;
  }
}

[[gnu::cold]] void NumericsF32::store_in_both(int layer, int head, CachePart copy) const {
  store(layer, {head, head + 1}, cache_of(layer, head));
  store(layer, {head, head + 1}, copy);
}

void NumericsF32::attention(int layer, Heads kv_heads) const {
  const int head_size = p.head_size();
  const float scale = pico_llama::rsqrt(static_cast<float>(head_size));
  for (int h = kv_heads.begin; h < kv_heads.end; h += kv_heads.step) {
    const bool streamed = streams_cache();
    const CachePart part = streamed ? append_to_streamed_cache(*this, layer, h) : cache_of(layer, h);
    for (int t = first; t < n; ++t)
      kernels::attention_f32({s.q + t * s.dim_stride + h * p.kv_mul() * head_size, p.kv_mul(), head_size,
                              pos + t, reinterpret_cast<const float*>(part.keys),
                              reinterpret_cast<const float*>(part.values), scale,
                              reinterpret_cast<float*>(scratch.attention)});
    if (streamed) cache_done();
  }
}

}  // namespace pico_llama
