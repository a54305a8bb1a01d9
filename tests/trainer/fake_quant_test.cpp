#include "trainer/train/fake_quant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "trainer/random.h"

namespace pico_llama::trainer {
namespace {

std::vector<float> some_weights(size_t count) {
  Random random(3);
  std::vector<float> weights;
  for (size_t i = 0; i < count; ++i) weights.push_back(static_cast<float>(random.normal()));
  return weights;
}

TEST(FakeQuant, EveryRowHasItsOwnScaleInQ8) {
  const std::vector<float> weights = some_weights(3 * 40);
  std::vector<float> rounded(weights.size());
  fake_quantise(Quantisation::kQ8, weights.data(), rounded.data(), 40, 0, 3);
  for (size_t row = 0; row < 3; ++row) {
    float largest = 0;
    for (size_t i = 0; i < 40; ++i) largest = std::max(largest, std::abs(weights[row * 40 + i]));
    const float scale = largest / 127;
    for (size_t i = 0; i < 40; ++i) {
      const float got = rounded[row * 40 + i];
      EXPECT_NEAR(got, weights[row * 40 + i], scale * 0.501f);
      EXPECT_NEAR(got / scale, std::round(got / scale), 1e-3f);
    }
  }
}

TEST(FakeQuant, GroupsOf32HaveFifteenLevelsInQ4) {
  const std::vector<float> weights = some_weights(2 * 80);
  std::vector<float> rounded(weights.size());
  fake_quantise(Quantisation::kQ4, weights.data(), rounded.data(), 80, 0, 2);
  for (size_t row = 0; row < 2; ++row) {
    for (size_t first = 0; first < 80; first += kQ4Group) {
      const size_t count = std::min<size_t>(kQ4Group, 80 - first);
      const std::set<float> levels(&rounded[row * 80 + first], &rounded[row * 80 + first + count]);
      EXPECT_LE(levels.size(), 15u);
      EXPECT_GE(levels.size(), 5u);
    }
  }
}

TEST(FakeQuant, ZerosStayZeros) {
  const std::vector<float> weights(64, 0.0f);
  std::vector<float> rounded(64, 1.0f);
  fake_quantise(Quantisation::kQ8, weights.data(), rounded.data(), 64, 0, 1);
  EXPECT_EQ(rounded, weights);
}

TEST(FakeQuant, NormsAreUnchanged) {
  const Layout layout({16, 20, 2, 4, 2, 24, 64}, true);
  const std::vector<float> weights = some_weights(layout.total);
  std::vector<float> rounded(layout.total);
  fake_quantise(Quantisation::kQ4, layout, weights.data(), rounded.data());
  for (const TensorKind& kind : layout.all()) {
    const bool same =
        std::equal(&weights[kind.offset], &weights[kind.offset] + kind.elements(), &rounded[kind.offset]);
    EXPECT_EQ(same, !kind.is_matrix()) << kind.name;
  }
}

}  // namespace
}  // namespace pico_llama::trainer
