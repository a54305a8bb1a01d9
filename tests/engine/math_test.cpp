// Our own functions against libm in double.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/kernels/exp2_fixed.h"
#include "engine/kernels/scale8.h"
#include "engine/math/exp.h"
#include "engine/math/rope.h"

namespace pico_llama {
namespace {

double ulp(float x) {
  const float size = std::fabs(x);
  return static_cast<double>(std::nextafterf(size, INFINITY)) - static_cast<double>(size);
}

TEST(Math, ExpIsWithinItsBound) {
  for (float x = -87.0f; x < 88.0f; x += 0.000731f) {
    const double want = std::exp(static_cast<double>(x));
    ASSERT_LE(std::fabs(static_cast<double>(pico_llama::exp(x)) - want), 9e-8 * want) << x;
  }
  EXPECT_EQ(pico_llama::exp(0.0f), 1.0f);
  EXPECT_EQ(pico_llama::exp(-1e30f), pico_llama::exp(-87.0f));
  EXPECT_EQ(pico_llama::exp(1e30f), pico_llama::exp(88.0f));
}

TEST(Math, RopeFrequenciesAreCorrectlyRounded) {
  for (int head_size = 2; head_size <= 256; head_size += 2)
    for (int pair = 0; pair < head_size / 2; ++pair) {
      const float exponent = static_cast<float>(2 * pair) / static_cast<float>(head_size);
      const auto power = static_cast<float>(std::pow(10000.0, static_cast<double>(exponent)));
      ASSERT_EQ(rope_frequency(10000.0f, pair, head_size), 1.0f / power) << head_size << " " << pair;
    }
}

TEST(Math, RopeRowsAreWithinOneUlp) {
  const int head_size = 48;
  std::vector<float> frequencies(head_size / 2), row(head_size);
  for (int pair = 0; pair < head_size / 2; ++pair)
    frequencies[static_cast<size_t>(pair)] = rope_frequency(10000.0f, pair, head_size);
  for (int pos = 0; pos < 131072; pos += pos < 4096 ? 1 : 997) {
    rope_row(frequencies.data(), head_size, pos, row.data());
    for (size_t pair = 0; pair < frequencies.size(); ++pair) {
      const auto angle = static_cast<double>(static_cast<float>(pos) * frequencies[pair]);
      ASSERT_LE(std::fabs(static_cast<double>(row[2 * pair]) - std::cos(angle)), ulp(row[2 * pair])) << pos;
      ASSERT_LE(std::fabs(static_cast<double>(row[2 * pair + 1]) - std::sin(angle)), ulp(row[2 * pair + 1]))
          << pos;
    }
  }
}

TEST(Math, Exp2FixedIsWithinItsBound) {
  for (uint32_t x = 0; x <= kExp2Limit; x += 7) {
    const double want = std::exp2(-static_cast<double>(x) / 65536.0);
    ASSERT_NEAR(static_cast<double>(exp2_fixed(x)) / 32768.0, want, want * 0.0014 + 1.0 / 32768) << x;
  }
}

TEST(Math, Scale8IsTheLeastThatIsEnough) {
  for (int code = 1; code < 256; ++code) {
    const float value = scale8_value(static_cast<uint8_t>(code));
    EXPECT_EQ(scale8_at_least(value), code);
    EXPECT_EQ(scale8_at_least(std::nextafterf(value, 0.0f)), code);
    EXPECT_GT(value, scale8_value(static_cast<uint8_t>(code - 1)));
  }
  EXPECT_EQ(scale8_at_least(0.0f), 0);
  EXPECT_EQ(scale8_at_least(1e30f), 255);
}

}  // namespace
}  // namespace pico_llama
