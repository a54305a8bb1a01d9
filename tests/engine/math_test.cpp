// Our own functions against libm in double.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/forward/rope.h"
#include "engine/math/exp.h"
#include "engine/math/exp_fixed.h"

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

TEST(Math, ExpTablesAreRounded) {
  for (int e = 0; e < kExpExponents + 3; ++e) {
    const uint16_t* table = kExpTables.at + exp_table_offset(e);
    const int steps = exp_steps(e);
    EXPECT_EQ(table[0], 0);
    EXPECT_EQ(table[steps], 32767);
    const int unit = e < kExpExponents ? 1 << e : 1 << (kExpExponents - 1);
    for (int u = 1; u <= steps; ++u) {
      const double x = static_cast<double>((steps - u) * unit) / 64;
      ASSERT_LT(x, 8);
      ASSERT_NEAR(table[u], 32767 * std::exp(-x), 0.51) << e << " " << u;
    }
  }
}

}  // namespace
}  // namespace pico_llama
