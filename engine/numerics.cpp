#include "engine/numerics.h"

namespace pico_llama {

void Numerics::rope(float* rows_of_tokens, int stride, const Tensor& table, Range rows) const {
  const int head_size = p.head_size();
  for (int t = 0; t < n; ++t) {
    const float* angle = table.f32() + static_cast<ptrdiff_t>(pos + t) * head_size;
    float* v = rows_of_tokens + t * stride;
    for (int i = rows.begin, j = rows.begin % head_size; i < rows.end; i += 2) {
      const float v0 = v[i];
      const float v1 = v[i + 1];
      v[i] = v0 * angle[j] - v1 * angle[j + 1];
      v[i + 1] = v0 * angle[j + 1] + v1 * angle[j];
      j = j + 2 == head_size ? 0 : j + 2;
    }
  }
}

void Numerics::add_to_x(const float* xb2, Range rows) const {
  for (int t = 0; t < n; ++t)
    for (int i = rows.begin; i < rows.end; ++i) s.x[t * s.dim_stride + i] += xb2[t * s.dim_stride + i];
}

}  // namespace pico_llama
