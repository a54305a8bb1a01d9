#include "tests/engine/kernels/variants.h"

#include <cmath>

#include "engine/kernels/argmax/argmax.h"

namespace pico_llama {
namespace {

TEST(Kernels, Argmax) {
  Numbers numbers(10);
  const auto all = variants<Argmax>({{"portable", portable::argmax}, {"m33", m33::argmax}}, host::argmax);
  const auto expect = [&](const std::vector<float>& values, int32_t want) {
    for (const auto& variant : all) {
      int32_t index = -1;
      variant.run({&index, values.data(), static_cast<int>(values.size())});
      EXPECT_EQ(index, want) << variant.name << " of " << values.size();
    }
  };
  for (const size_t n : {1u, 7u, 8u, 54u, 512u})
    for (size_t at = 0; at < n; at += 5) {
      auto values = numbers.reals(n, 1.0f);
      values[at] = 2.0f;
      expect(values, static_cast<int32_t>(at));
      values[n - 1] = 2.0f;  // the first of equals
      expect(values, static_cast<int32_t>(at));
      if (at > 0) values[0] = NAN;
      expect(values, static_cast<int32_t>(at));
    }
  expect(std::vector<float>(9, NAN), 0);
  expect(std::vector<float>(17, -INFINITY), 0);
  expect({-3, -1, -2, -1, -5, -4, -3, -2, -1}, 1);
}

}  // namespace
}  // namespace pico_llama
