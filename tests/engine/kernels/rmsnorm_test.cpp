#include "tests/engine/kernels/variants.h"

#include <cmath>

#include "engine/kernels/rmsnorm/rmsnorm.h"

namespace pico_llama {
namespace {

TEST(Kernels, RmsNorm) {
  Numbers numbers(1);
  for (const int n : {2, 8, 13, 64, 172, 288}) {
    const auto x = numbers.reals(static_cast<size_t>(n), 3.0f);
    const auto w = numbers.reals(static_cast<size_t>(n), 1.0f);
    std::vector<float> want(x.size()), got(x.size());
    portable::rmsnorm({want.data(), x.data(), w.data(), n, 1e-5f});
    double ss = 0;
    for (float v : x) ss += static_cast<double>(v) * static_cast<double>(v);
    const double scale = 1.0 / std::sqrt(ss / n + 1e-5);
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(want[i], static_cast<double>(w[i]) * scale * static_cast<double>(x[i]), 1e-5);
    for (const auto& variant : variants<RmsNorm>({}, host::rmsnorm)) {
      variant.run({got.data(), x.data(), w.data(), n, 1e-5f});
      EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n;
    }
  }
}

}  // namespace
}  // namespace pico_llama
