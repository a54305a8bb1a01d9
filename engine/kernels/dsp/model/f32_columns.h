// C++ model of ../asm/f32_columns.h.
#pragma once

namespace pico_llama::dsp {

inline void f32_columns(const float* w, int stride, const float* x, int count, float* sums) {
  for (int i = 0; i < count; ++i, w += stride)
    for (int r = 0; r < 8; ++r) sums[r] += w[r] * x[i];
}

inline void f32_columns_of_two(const float* w, int stride, const float* x0, const float* x1, int count,
                               float* sums) {
  f32_columns(w, stride, x0, count, sums);
  f32_columns(w, stride, x1, count, sums + 8);
}

}  // namespace pico_llama::dsp
