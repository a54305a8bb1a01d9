#include "tests/engine/kernels/variants.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "engine/kernels/softmax_fixed/softmax_fixed.h"
#include "engine/math/exp2_fixed.h"

namespace pico_llama {
namespace {

TEST(Kernels, Exp2Fixed) {
  uint32_t last = UINT32_MAX;
  for (uint64_t x = 0; x < uint64_t{1} << 32; x += 65521) {
    const uint32_t y = exp2_fixed(static_cast<uint32_t>(x));
    const double want = std::exp2(31.0 - static_cast<double>(x) / 0x1p27);
    ASSERT_NEAR(y, want, 5.6e-8 * want + 1.0) << x;
    ASSERT_LE(y, last);
    last = y;
  }
  EXPECT_EQ(exp2_fixed(UINT32_MAX), 0u);
}

TEST(Kernels, SoftmaxFixed) {
  Numbers numbers(12);
  for (const size_t n : {1u, 7u, 54u, 512u})
    for (const float temperature : {0.05f, 1.0f, 1e6f, 1e-39f}) {
      auto logits = numbers.reals(n, 15.0f);
      logits[n / 2] = 16.0f;
      if (n > 7) {
        logits[1] = NAN;
        logits[2] = -INFINITY;
        logits[3] = -3e38f;
      }
      const float factor = 193635251.0f / temperature;
      const auto in = logits;
      auto other = logits;
      uint64_t sum = 0, other_sum = 0, added = 0;
      portable::softmax_fixed({logits.data(), static_cast<int>(n), 16.0f, factor, &sum});
      m33::softmax_fixed({other.data(), static_cast<int>(n), 16.0f, factor, &other_sum});
      EXPECT_TRUE(std::memcmp(logits.data(), other.data(), n * sizeof(float)) == 0);
      EXPECT_EQ(sum, other_sum);
      for (size_t i = 0; i < n; ++i) {
        const auto weight = std::bit_cast<uint32_t>(logits[i]);
        added += weight;
        const double x = (16.0 - static_cast<double>(in[i])) / static_cast<double>(temperature);
        const double want = in[i] == in[i] && x > 0 ? std::exp(-x) * 0x1p31 : 0x1p31;
        EXPECT_NEAR(weight, want, 4e-6 * want + 1.5) << in[i];
      }
      EXPECT_EQ(sum, added);
    }
}

}  // namespace
}  // namespace pico_llama
