// The q8 cache's range covers every possible rmsnorm output, and not much more.
#include "engine/forward/kv_steps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/forward/numerics.h"
#include "tests/engine/engine_model.h"

namespace pico_llama {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// A row times the norm's weights: what meets the normalised x.
Vector row(const Tensor& w, int r, const Tensor& norm) {
  std::vector<float> x(w.columns);
  NumericsQ8::read_row(w, r, {0, static_cast<int>(w.columns)}, x.data());
  Vector v(x.begin(), x.end());
  for (size_t i = 0; i < v.size(); ++i) v[i] *= static_cast<double>(norm.f32()[i]);
  return v;
}

/// Heads of 8 elements, dim 32 (sqrt(dim) below 8) and 128 (above).
class KvStepsOf : public testing::TestWithParam<int> {};

TEST_P(KvStepsOf, CoverTheRangeOfRmsnorm) {
  const Config config{GetParam(), 48, 2, GetParam() / 8, 2, 400, 64};
  test_support::EngineModel model(
      test_support::build_image(test_support::random_model(config, true, 5), Profile::kQ8));
  std::vector<std::byte> memory(4096);
  Arena arena(memory);
  const TransformerWeights weights = TransformerWeights::bind(model.image, arena);
  std::vector<float> scratch(static_cast<size_t>(config.dim));
  std::vector<KvSteps> steps(4);
  compute_kv_steps(config, weights.layers, scratch.data(), steps.data());

  for (int l = 0; l < config.n_layers; ++l)
    for (int h = 0; h < config.n_kv_heads; ++h) {
      const LayerWeights& layer = weights.layers[l];
      const KvSteps& s = steps[static_cast<size_t>(l * config.n_kv_heads + h)];
      const double most_key = 127.0 * 255.0 * static_cast<double>(s.key);
      const double most_value = 127.0 * static_cast<double>(s.value);
      double key = 0, value = 0, value_norm = 0;
      for (int r = h * 8; r < h * 8 + 8; ++r) {
        // x along each row in turn is what gives that row's element its most.
        for (const Tensor* along : {&layer.wk, &layer.wv}) {
          const Vector x = row(*along, r, layer.rms_att);
          const double to_length = std::sqrt(config.dim / dot(x, x));
          for (int e = h * 8; e < h * 8 + 8; e += 2) {
            // RoPE mixes the two.
            const double k = to_length * std::hypot(dot(row(layer.wk, e, layer.rms_att), x),
                                                    dot(row(layer.wk, e + 1, layer.rms_att), x));
            EXPECT_LT(k, most_key);
            key = std::max(key, k);
            for (const int one : {e, e + 1})
              value = std::max(value, to_length * std::fabs(dot(row(layer.wv, one, layer.rms_att), x)));
          }
        }
        const Vector v = row(layer.wv, r, layer.rms_att);
        value_norm = std::max(value_norm, std::sqrt(dot(v, v)));
      }
      EXPECT_GT(key, most_key * 0.65);  // the norm of two rows is at most sqrt(2) of one's
      EXPECT_NEAR(value, value_norm * std::sqrt(config.dim), 1e-4 * value);
      EXPECT_NEAR(most_value, std::min(value, 8 * value_norm) * 1.01, 1e-4 * most_value);
      EXPECT_FLOAT_EQ(s.key * s.inverse_key, 1.0f);
      EXPECT_FLOAT_EQ(s.value * s.inverse_value, 1.0f);
    }
}

INSTANTIATE_TEST_SUITE_P(Dim, KvStepsOf, testing::Values(32, 128));

}  // namespace
}  // namespace pico_llama
