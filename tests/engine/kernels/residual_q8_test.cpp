#include "tests/engine/kernels/variants.h"

#include "engine/kernels/residual_q8/residual_q8.h"

namespace pico_llama {
namespace {

TEST(Kernels, ResidualQ8) {
  Numbers numbers(11);
  const auto all = variants<ResidualQ8>({{"m33", m33::residual_q8}}, host::residual_q8);
  for (const int n : {2, 8, 13, 64, 172, 288}) {
    const auto size = static_cast<size_t>(n);
    const auto x = numbers.reals(size, 3.0f);
    const auto more = numbers.reals(size, 1.0f);
    const auto w = numbers.reals(size, 1.0f);
    auto want = x;
    std::vector<float> squares((size + 7) / 8);
    float largest = -1;
    portable::residual_q8({want.data(), more.data(), w.data(), n, squares.data(), &largest});
    double sum = 0, squares_sum = 0;
    std::vector<float> products;
    for (size_t i = 0; i < size; ++i) {
      EXPECT_EQ(want[i], x[i] + more[i]);
      sum += static_cast<double>(want[i]) * static_cast<double>(want[i]);
      products.push_back(w[i] * want[i]);
    }
    for (const float s : squares) squares_sum += static_cast<double>(s);
    EXPECT_NEAR(squares_sum, sum, 1e-6 * sum);
    EXPECT_EQ(largest, max_abs_of(products));
    for (const auto& variant : all) {
      auto got = x;
      std::vector<float> got_squares(squares.size());
      float got_largest = -1;
      variant.run({got.data(), more.data(), w.data(), n, got_squares.data(), &got_largest});
      EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n;
      EXPECT_TRUE(same_bits(got_squares, squares)) << variant.name << " " << n;
      EXPECT_EQ(got_largest, largest) << variant.name << " " << n;
    }
  }
}

}  // namespace
}  // namespace pico_llama
