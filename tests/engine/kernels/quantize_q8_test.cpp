#include "tests/engine/kernels/variants.h"

#include <cmath>

#include "engine/kernels/quantize_q8/quantize_q8.h"
#include "engine/model/config.h"

namespace pico_llama {
namespace {

TEST(Kernels, QuantizeQ8) {
  Numbers numbers(4);
  for (const int columns : {1, 36, 54, 172})
    for (const int limit : {1, 2103, 32767}) {
      const auto x = numbers.reals(static_cast<size_t>(columns), 4.0f);
      const int padded = round_up(columns, 4);
      std::vector<int16_t> want(static_cast<size_t>(padded), 99), got(want);
      float want_scale = 0, got_scale = 0;
      const auto quantize = [&](std::vector<int16_t>& out, float& out_scale) {
        return QuantizeQ8{.out = out.data(),
                          .scale = &out_scale,
                          .x = x.data(),
                          .columns = columns,
                          .padded_columns = padded,
                          .limit = limit};
      };
      portable::quantize_q8(quantize(want, want_scale));
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_LE(std::abs(want[i]), limit);
        EXPECT_NEAR(static_cast<float>(want[i]) * want_scale, x[i], want_scale * 0.502f);
      }
      const auto all = variants<QuantizeQ8>({{"portable", portable::quantize_q8}, {"m33", m33::quantize_q8}},
                                            host::quantize_q8);
      const auto between = interleaved_with_another_token(want);
      for (const auto& variant : all) {
        got.assign(want.size(), 99);
        variant.run(quantize(got, got_scale));
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << columns;
        EXPECT_EQ(got_scale, want_scale);
        got.assign(between.size(), 99);
        QuantizeQ8 a = quantize(got, got_scale);
        a.step = 2;
        variant.run(a);
        EXPECT_TRUE(same_bits(got, between)) << variant.name << " " << columns;
        got.assign(want.size(), 99);
        a = quantize(got, got_scale);
        a.max_abs = max_abs_of(x);
        variant.run(a);
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << columns;
        got.assign(between.size(), 99);
        for (const Range part : {Range{0, columns / 16 * 8}, Range{columns / 16 * 8, columns + 8}}) {
          a = quantize(got, got_scale);
          a.step = 2, a.part = part;
          variant.run(a);
        }
        EXPECT_TRUE(same_bits(got, between)) << variant.name << " in parts, " << columns;
      }
    }
  int16_t out[4];
  float scale = 1;
  const float zeros[3] = {};
  portable::quantize_q8({out, &scale, zeros, 3, 4, 100});
  EXPECT_EQ(scale, 0);
  EXPECT_EQ(out[0] | out[1] | out[2] | out[3], 0);
}

}  // namespace
}  // namespace pico_llama
