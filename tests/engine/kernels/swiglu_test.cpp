#include "tests/engine/kernels/variants.h"

#include <cmath>

#include "engine/kernels/swiglu/swiglu.h"

namespace pico_llama {
namespace {

TEST(Kernels, SwiGlu) {
  Numbers numbers(2);
  for (const int n : {1, 8, 54, 172}) {
    auto want = numbers.reals(static_cast<size_t>(n), 20.0f);
    const auto in = want;
    const auto hb2 = numbers.reals(static_cast<size_t>(n), 2.0f);
    portable::swiglu({want.data(), hb2.data(), n});
    for (size_t i = 0; i < in.size(); ++i) {
      const double h = static_cast<double>(in[i]);
      EXPECT_NEAR(want[i], h / (1 + std::exp(-h)) * static_cast<double>(hb2[i]), 1e-5);
    }
    for (const auto& variant : variants<SwiGlu>({}, host::swiglu)) {
      auto got = in;
      variant.run({got.data(), hb2.data(), n});
      EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n;
    }
  }
}

}  // namespace
}  // namespace pico_llama
