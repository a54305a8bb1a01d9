#include "engine/forward/numerics.h"

namespace pico_llama {

namespace {

/// RoPE for heads of 8 elements; the 8 cosines and sines stay in registers.
void rotate_heads8(float* v, const float* end, const float* angle) {
  const float a0 = angle[0], b0 = angle[1], a1 = angle[2], b1 = angle[3];
  const float a2 = angle[4], b2 = angle[5], a3 = angle[6], b3 = angle[7];
  // Two sums instead of a difference and a sum, with the same bits: GCC 12 vectorises the latter into a fused
  // VFMADDSUB (-march=native), in spite of -ffp-contract=off.
  const float c0 = -b0, c1 = -b1, c2 = -b2, c3 = -b3;
  const auto rotate = [](float* pair, float v0, float v1, float cos, float sin, float minus_sin) {
    pair[0] = v0 * cos + v1 * minus_sin;
    pair[1] = v0 * sin + v1 * cos;
  };
  for (; v != end; v += 8) {
    const float v0 = v[0], v1 = v[1], v2 = v[2], v3 = v[3], v4 = v[4], v5 = v[5], v6 = v[6], v7 = v[7];
    rotate(v, v0, v1, a0, b0, c0);
    rotate(v + 2, v2, v3, a1, b1, c1);
    rotate(v + 4, v4, v5, a2, b2, c2);
    rotate(v + 6, v6, v7, a3, b3, c3);
  }
}

}  // namespace

void Numerics::rope(float* rows_of_tokens, int stride, const Tensor& table, Range rows) const {
  const int head_size = p.head_size();
  for (int t = first; t < n; ++t) {
    const float* angle = table.f32() + static_cast<ptrdiff_t>(pos + t) * head_size;
    float* v = rows_of_tokens + t * stride;
    if (heads == HeadShape::kTwoOf8) {  // a worker's rows are whole blocks of 8
      rotate_heads8(v + rows.begin, v + rows.end, angle);
      continue;
    }
    for (int i = rows.begin, j = rows.begin % head_size; i < rows.end; i += 2) {
      const float v0 = v[i];
      const float v1 = v[i + 1];
      v[i] = v0 * angle[j] - v1 * angle[j + 1];
      v[i + 1] = v0 * angle[j + 1] + v1 * angle[j];
      j = j + 2 == head_size ? 0 : j + 2;
    }
  }
}

}  // namespace pico_llama
