#include "tests/engine/kernels/variants.h"

#include <cmath>

#include "engine/kernels/attention_f32/attention_f32.h"

namespace pico_llama {
namespace {

TEST(Kernels, AttentionF32) {
  Numbers numbers(6);
  for (const int head_size : {2, 8, 12, 48})
    for (const int last : {0, 1, 7, 8, 40, 63}) {
      const int heads = last % 2 == 0 ? 3 : 4;
      const auto keys = numbers.reals(static_cast<size_t>(64 * head_size), 2.0f);
      const auto values = numbers.reals(static_cast<size_t>(64 * head_size), 2.0f);
      auto want = numbers.reals(static_cast<size_t>(heads * head_size), 3.0f);
      const auto q = want;
      std::vector<float> scratch(static_cast<size_t>(attention_f32_scratch(head_size)));
      AttentionF32 a{.q = want.data(),
                     .heads = heads,
                     .head_size = head_size,
                     .last = last,
                     .keys = keys.data(),
                     .values = values.data(),
                     .scale = 0.35f,
                     .scratch = scratch.data()};
      portable::attention_f32(a);
      for (int h = 0; h < heads; ++h) {  // against the definition of softmax, in double
        std::vector<double> p;
        double total = 0;
        for (int j = 0; j <= last; ++j) {
          double s = 0;
          for (int i = 0; i < head_size; ++i)
            s += 0.35 * static_cast<double>(q[static_cast<size_t>(h * head_size + i)]) *
                 static_cast<double>(keys[static_cast<size_t>((j / 8 * head_size + i) * 8 + j % 8)]);
          p.push_back(std::exp(s));
          total += p.back();
        }
        for (int i = 0; i < head_size; ++i) {
          double sum = 0;
          for (int j = 0; j <= last; ++j)
            sum += p[static_cast<size_t>(j)] / total *
                   static_cast<double>(values[static_cast<size_t>(j * head_size + i)]);
          ASSERT_NEAR(want[static_cast<size_t>(h * head_size + i)], sum, 2e-5);
        }
      }
      for (const auto& variant : variants<AttentionF32>({{"m33", m33::attention_f32}}, host::attention_f32)) {
        auto got = q;
        a.q = got.data();
        variant.run(a);
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << head_size << " " << last;
      }
    }
}

}  // namespace
}  // namespace pico_llama
