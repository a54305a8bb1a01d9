#include "engine/forward/kv_steps.h"

#include "engine/forward/numerics.h"

namespace pico_llama {
namespace {

/// Unlike std::max() b where a is NaN, so that the steps of an invalid model are finite.
float larger(float a, float b) { return a > b ? a : b; }

/// Bounded below, so that 1 / step is finite even for rows of zeros.
float root(float x) { return __builtin_sqrtf(larger(x, 1e-20f)); }

/// Square norm of row r of w times the norm's weights. Not inlined: loading has the board's deepest stack.
[[gnu::noinline]] float square_norm(const Tensor& w, int r, const float* norm, float* scratch) {
  const auto columns = static_cast<int>(w.columns);
  NumericsQ8::read_row(w, r, {0, columns}, scratch);
  float sum = 0;
  for (int i = 0; i < columns; ++i) sum += (scratch[i] * norm[i]) * (scratch[i] * norm[i]);
  return sum;
}

/// The largest square norm of a group of adjacent rows, from row r to end.
[[gnu::noinline]] float largest(const Tensor& w, int r, int end, int rows_per_group, const float* norm,
                                float* scratch) {
  float most = 0;
  while (r < end) {
    float sum = 0;
    for (int i = 0; i < rows_per_group; ++i) sum += square_norm(w, r++, norm, scratch);
    most = larger(most, sum);
  }
  return most;
}

}  // namespace

void compute_kv_steps(const Config& p, const LayerWeights* layers, float* scratch, KvSteps* steps) {
  const float root_dim = root(static_cast<float>(p.dim));
  for (int l = 0; l < p.n_layers; ++l) {
    const float* const norm = layers[l].rms_att.f32();
    for (int h = 0; h < p.n_kv_heads; ++h) {
      const int begin = h * p.head_size();
      const int end = begin + p.head_size();
      KvSteps& s = *steps++;
      s.key =
          root(largest(layers[l].wk, begin, end, 2, norm, scratch)) * root_dim * (1.01f / (127.0f * 255.0f));
      s.value = root(largest(layers[l].wv, begin, end, 1, norm, scratch)) *
                (values_fit(p) ? root_dim : 8.0f) * (1.01f / 127.0f);
      s.inverse_key = 1.0f / s.key;
      s.inverse_value = 1.0f / s.value;
    }
  }
}

}  // namespace pico_llama
