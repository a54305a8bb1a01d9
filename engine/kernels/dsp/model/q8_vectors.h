// ../asm/q8_vectors.h in C++, with the same results.
#pragma once
#include <cstdint>

#include "engine/kernels/dsp/model/dsp.h"
#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/math/lanes.h"
#include "engine/math/round.h"

namespace pico_llama::dsp {

inline float max_abs_of(const float* x, int n) {
  float max = 0;
  for (int i = 0; i < n; ++i) max = max_abs(max, x[i]);
  return max;
}

inline float add_and_measure(float* x, const float* more, const float* w, int n, float* squares) {
  float max = 0;
  for (int i = 0; i < n; i += 8) {
    float square[8];
    for (int j = 0; j < 8; ++j) {
      x[i + j] += more[i + j];
      square[j] = x[i + j] * x[i + j];
      max = max_abs(max, w[i + j] * x[i + j]);
    }
    squares[i / 8] = add_lanes(square);
  }
  return max;
}

inline void store_rounded(const float* x, float factor, int n, int16_t* out, int step) {
  for (int i = 0; i < n; ++i) out[q8_element(i, step)] = round_to_int16(x[i] * factor);
}

inline void store_rounded_product(const float* x, const float* w, float factor, int n, int16_t* out,
                                  int step) {
  for (int i = 0; i < n; ++i) out[q8_element(i, step)] = round_to_int16((w[i] * x[i]) * factor);
}

}  // namespace pico_llama::dsp
