#include "tests/engine/kernels/variants.h"

#include "engine/kernels/matmul_f32/matmul_f32.h"
#include "engine/model/config.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama {
namespace {

TEST(Kernels, MatmulF32) {
  Numbers numbers(3);
  const auto all = variants<MatmulF32>({{"m33", m33::matmul_f32}}, host::matmul_f32);
  for (const int columns : {2, 36, 64, 172})
    for (const int n_tokens : {1, 2, 3, 7, 8}) {
      const int blocks = 15;
      const int stride = columns + 4;
      const int out_stride = blocks * kBlockRows;
      const auto w = numbers.reals(static_cast<size_t>(blocks * columns * kBlockRows), 1.0f);
      const auto x = numbers.reals(static_cast<size_t>(n_tokens * stride), 1.0f);
      std::vector<float> want(static_cast<size_t>(n_tokens * out_stride), -7.0f);
      MatmulF32 a{.weights = w.data(),
                  .columns = columns,
                  .blocks = {2, blocks},
                  .x = x.data(),
                  .x_stride = stride,
                  .n_tokens = n_tokens,
                  .out = want.data(),
                  .out_stride = out_stride};
      portable::matmul_f32(a);
      // The order that the contract specifies.
      for (int t = 0; t < n_tokens; ++t)
        for (int r = 2 * kBlockRows; r < out_stride; ++r) {
          float sum = 0;
          for (int i = 0; i < columns; ++i)
            sum += w[f32_index(static_cast<uint32_t>(r), static_cast<uint32_t>(i),
                               static_cast<uint32_t>(columns))] *
                   x[static_cast<size_t>(t * stride + i)];
          ASSERT_EQ(want[static_cast<size_t>(t * out_stride + r)], sum);
        }
      for (const auto& variant : all) {
        std::vector<float> got(want.size(), -7.0f);
        a.out = got.data();
        variant.run(a);
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << columns << " " << n_tokens;
      }
    }
}

}  // namespace
}  // namespace pico_llama
