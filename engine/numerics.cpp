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
  for (int t = 0; t < n; ++t) {
    float* x = s.x + t * s.dim_stride;
    const float* more = xb2 + t * s.dim_stride;
    int i = rows.begin;
    for (; i + 4 <= rows.end; i += 4) {  // loads apart from what waits for them
      const float x0 = x[i] + more[i], x1 = x[i + 1] + more[i + 1];
      const float x2 = x[i + 2] + more[i + 2], x3 = x[i + 3] + more[i + 3];
      x[i] = x0, x[i + 1] = x1;
      x[i + 2] = x2, x[i + 3] = x3;
    }
    for (; i < rows.end; ++i) x[i] += more[i];
  }
}

}  // namespace pico_llama
