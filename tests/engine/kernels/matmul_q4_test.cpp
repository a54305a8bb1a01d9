#include "tests/engine/kernels/variants.h"

#include <cstring>

#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"

namespace pico_llama {
namespace {

/// A q4 tensor by the formulas of SPEC.md.
struct Q4 {
  template <typename Weight, typename CodeOf>
  Q4(uint32_t rows_, uint32_t columns_, Weight weight, CodeOf code)
      : rows(rows_), columns(columns_), bytes(tensor_bytes(Encoding::kRowsQ4, rows_, columns_)) {
    for (uint32_t r = 0; r < rows; ++r) {
      const float scale = 0.01f + 0.001f * static_cast<float>(r / 8);
      std::memcpy(bytes.data() + q4_scale_offset(r, columns), &scale, 4);
      for (uint32_t g = 0; g < q4_groups(columns); ++g)
        bytes[q4_code_offset(r, g, columns)] = static_cast<std::byte>(code(r, g));
      for (uint32_t c = 0; c < columns; ++c) {
        uint32_t word;
        std::memcpy(&word, bytes.data() + q4_word_offset(r, c, columns), 4);
        word |= q4_bits(weight(r, c), r, c);
        std::memcpy(bytes.data() + q4_word_offset(r, c, columns), &word, 4);
      }
    }
    limit = q4_activation_limit(q4_max_row_codes(bytes, rows, columns));
  }
  uint32_t rows, columns;
  std::vector<std::byte> bytes;
  int limit;
};

/// x: n_tokens rows of q4_columns() and 2 more.
std::vector<float> expect_same_matmul_q4(const Q4& w, const std::vector<int16_t>& x, int n_tokens) {
  const auto all = variants<MatmulQ4>({{"m33", m33::matmul_q4}}, host::matmul_q4);
  const std::vector<float> x_scale = {1.0f, 0.5f, 3.0f, 0.1f, 2.0f, 1.5f, 0.7f, 0.3f};
  std::vector<float> want(static_cast<size_t>(n_tokens) * w.rows, -7.0f);
  const int first = w.rows > 8 ? 1 : 0;
  const size_t stride = q4_columns(w.columns) + 2;
  std::vector<int32_t> bias;
  for (size_t token = 0; token < static_cast<size_t>(n_tokens); ++token)
    for (size_t column = 0; column < w.columns; column += kQ4Group)
      bias.push_back(q4_bias(x.data() + token * stride + column));
  MatmulQ4 a{.weights = w.bytes.data(),
             .columns = static_cast<int>(w.columns),
             .blocks = {first, static_cast<int>(w.rows / 8)},
             .x = x.data(),
             .x_stride = static_cast<int>(stride),
             .x_bias = bias.data(),
             .x_scale = x_scale.data(),
             .n_tokens = n_tokens,
             .out = want.data(),
             .out_stride = static_cast<int>(w.rows)};
  portable::matmul_q4(a);
  for (const auto& variant : all) {
    std::vector<float> got(want.size(), -7.0f);
    a.out = got.data();
    variant.run(a);
    EXPECT_TRUE(same_bits(got, want)) << variant.name << ", " << w.columns << " columns";
  }
  return want;
}

TEST(Kernels, MatmulQ4) {
  Numbers numbers(8);
  for (const uint32_t columns : {2u, 32u, 64u, 172u, 288u})
    for (const int n_tokens : {1, 2, 3, 4, 5, 8}) {
      std::vector<int> weights, codes;
      const auto kept = [&](std::vector<int>& list, int low, int high) {
        return [&list, &numbers, low, high](uint32_t, uint32_t) {
          return list.emplace_back(numbers.integer(low, high));
        };
      };
      const Q4 w(48, columns, kept(weights, -8, 7), kept(codes, -128, 127));
      const uint32_t stride = q4_columns(columns) + 2;
      std::vector<int16_t> x(stride * static_cast<size_t>(n_tokens));
      for (size_t i = 0; i < x.size(); ++i)
        if (i % stride < columns) x[i] = static_cast<int16_t>(numbers.integer(-w.limit, w.limit));
      const std::vector<float> got = expect_same_matmul_q4(w, x, n_tokens);
      // The equation, from the numbers that were put in: rows of the first token that a kernel wrote.
      for (uint32_t r = 8; r < 48; ++r) {
        int64_t sum = 0;
        for (uint32_t i = 0; i < columns; ++i)
          sum += int64_t{codes[r * q4_groups(columns) + i / kQ4Group]} * weights[r * columns + i] * x[i];
        EXPECT_EQ(got[r], static_cast<float>(sum) * (0.01f + 0.001f * static_cast<float>(r / 8))) << r;
      }
      EXPECT_EQ(got[7], -7.0f);
    }
}

// The largest sums that a limit admits: every factor at its extreme, with every mix of signs.
TEST(Kernels, MatmulQ4AtTheLimit) {
  for (const uint32_t columns : {32u, 768u, 4096u})
    for (int signs = 0; signs < 4; ++signs) {
      const Q4 w(
          8, columns, [](uint32_t row, uint32_t) { return row == 7 ? 7 : -8; },
          [&](uint32_t, uint32_t) { return (signs & 1) != 0 ? -128 : 127; });
      const int64_t codes = q4_groups(columns) * ((signs & 1) != 0 ? 128 : 127);
      EXPECT_LE(codes * 8 * kQ4Group * w.limit, INT32_MAX);
      EXPECT_LT(int64_t{8} * kQ4Group * w.limit, int64_t{1} << 19);
      // The limit is tight: one more would violate a bound.
      EXPECT_TRUE(w.limit == kQ4MaxActivationLimit || codes * 8 * kQ4Group * (w.limit + 1) > INT32_MAX);
      const auto most = static_cast<int16_t>((signs & 2) != 0 ? -w.limit : w.limit);
      const int64_t sum =
          codes * 8 * kQ4Group * w.limit * (((signs & 1) != 0) != ((signs & 2) != 0) ? 1 : -1);
      for (const int n_tokens : {1, 2, 3}) {
        const std::vector<int16_t> x(static_cast<size_t>(n_tokens) * (columns + 2), most);
        const std::vector<float> got = expect_same_matmul_q4(w, x, n_tokens);
        EXPECT_EQ(got[0], static_cast<float>(sum) * 0.01f);
        if (n_tokens > 1) {
          EXPECT_EQ(got[8], static_cast<float>(sum) * (0.5f * 0.01f));
        }
      }
    }
}

}  // namespace
}  // namespace pico_llama
