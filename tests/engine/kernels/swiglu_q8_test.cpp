#include "tests/engine/kernels/variants.h"

#include <cmath>

#include "engine/kernels/swiglu_q8/swiglu_q8.h"

namespace pico_llama {
namespace {

TEST(Kernels, SwiGluQ8) {
  Numbers numbers(8);
  const auto all = variants<SwiGluQ8>({{"m33", m33::swiglu_q8}}, host::swiglu_q8);
  for (const int n : {1, 8, 54, 172})
    for (const float size : {1.0f, 20.0f, 1e6f}) {
      auto want = numbers.reals(static_cast<size_t>(n), size);
      if (size > 1000) want[0] = INFINITY;
      const auto in = want;
      const auto hb2 = numbers.reals(static_cast<size_t>(n), 2.0f);
      float largest = -1;
      portable::swiglu_q8({want.data(), hb2.data(), n, &largest});
      EXPECT_EQ(largest, max_abs_of(want));
      for (size_t i = 0; i < in.size() && size < 1000; ++i) {
        const double h = static_cast<double>(in[i]);
        const double error = std::fabs(h) < 7.8 ? 2e-4 : 3.9e-4;
        EXPECT_NEAR(want[i], h / (1 + std::exp(-h)) * static_cast<double>(hb2[i]),
                    error * std::fabs(h * static_cast<double>(hb2[i])) + 1e-6);
      }
      for (const auto& variant : all) {
        auto got = in;
        float got_largest = -1;
        variant.run({got.data(), hb2.data(), n, &got_largest});
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n << " " << size;
        EXPECT_EQ(got_largest, largest) << variant.name;
      }
    }
}

}  // namespace
}  // namespace pico_llama
