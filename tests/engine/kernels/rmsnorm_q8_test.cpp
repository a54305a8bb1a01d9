#include "tests/engine/kernels/variants.h"

#include <cmath>

#include "engine/kernels/residual_q8/residual_q8.h"
#include "engine/kernels/rmsnorm/rmsnorm.h"
#include "engine/kernels/rmsnorm_q8/rmsnorm_q8.h"
#include "engine/model/config.h"

namespace pico_llama {
namespace {

TEST(Kernels, RmsNormQ8) {
  Numbers numbers(9);
  const auto all =
      variants<RmsNormQ8>({{"portable", portable::rmsnorm_q8}, {"m33", m33::rmsnorm_q8}}, host::rmsnorm_q8);
  for (const int n : {2, 8, 13, 64, 172, 288})
    for (const int limit : {1, 2103, 32767})
      for (const float range : {0.0f, 3.0f}) {
        const auto size = static_cast<size_t>(n);
        auto x = numbers.reals(size, range);
        const auto w = numbers.reals(size, 1.0f);
        const int padded = round_up(n, 4);
        const std::vector<float> nothing(size);
        std::vector<float> squares((size + 7) / 8), normed(size);
        float largest = 0;
        portable::residual_q8({x.data(), nothing.data(), w.data(), n, squares.data(), &largest});
        portable::rmsnorm({normed.data(), x.data(), w.data(), n, 1e-5f});
        std::vector<int16_t> want(static_cast<size_t>(padded), 99);
        float want_scale = 0;
        RmsNormQ8 a{.out = want.data(),
                    .scale = &want_scale,
                    .x = x.data(),
                    .weight = w.data(),
                    .squares = squares.data(),
                    .max_abs = largest,
                    .n = n,
                    .padded_columns = padded,
                    .limit = limit,
                    .eps = 1e-5f};
        portable::rmsnorm_q8(a);
        for (size_t i = 0; i < size; ++i) {
          EXPECT_LE(std::abs(want[i]), limit);
          EXPECT_NEAR(static_cast<float>(want[i]) * want_scale, normed[i], want_scale * 0.51f);
        }
        const auto between = interleaved_with_another_token(want);
        for (const auto& variant : all) {
          for (const int step : {1, 2}) {
            const auto& expected = step == 1 ? want : between;
            std::vector<int16_t> got(expected.size(), 99);
            float got_scale = 0;
            a.out = got.data(), a.scale = &got_scale, a.step = step;
            variant.run(a);
            EXPECT_TRUE(same_bits(got, expected)) << variant.name << " " << n << " " << limit;
            EXPECT_EQ(got_scale, want_scale);
            got.assign(expected.size(), 99);
            for (const Range part : {Range{0, n / 16 * 8}, Range{n / 16 * 8, n + 8}}) {
              RmsNormQ8 some = a;
              some.out = got.data(), some.part = part;
              variant.run(some);
            }
            EXPECT_TRUE(same_bits(got, expected)) << variant.name << " in parts, " << n << " " << limit;
          }
        }
      }
}

}  // namespace
}  // namespace pico_llama
