#include "tests/engine/kernels/variants.h"

#include <algorithm>
#include <cstring>

#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama {
namespace {

/// A q8 tensor with weights from `weight`, its limits as the packer sets them.
struct Q8 {
  template <typename Weight>
  Q8(uint32_t rows, uint32_t columns_, uint32_t chunk_pairs_, Weight weight)
      : columns(columns_),
        chunk_pairs(chunk_pairs_),
        bytes(tensor_bytes(Encoding::kRowsQ8, rows, columns_) + 16) {
    for (uint32_t r = 0; r < rows; r += 2)
      for (uint32_t c = 0; c < q8_columns(columns); c += 2) {
        const auto at = [&](uint32_t row, uint32_t column) {
          return column < columns ? weight(row, column) : 0;
        };
        const uint32_t word = q8_word(at(r, c), at(r + 1, c), at(r, c + 1), at(r + 1, c + 1));
        std::memcpy(bytes.data() + q8_word_offset(r, c, columns), &word, 4);
      }
    for (uint32_t r = 0; r < rows; ++r) {
      const float scale = 0.01f + 0.001f * static_cast<float>(r);
      std::memcpy(bytes.data() + q8_scale_offset(r, columns), &scale, 4);
    }
    const Q8Norms norms = q8_norms(bytes, rows, columns, chunk_pairs);
    limit = q8_activation_limit(norms.max_chunk_l1, norms.max_row_l1);
  }
  uint32_t columns, chunk_pairs;
  std::vector<std::byte> bytes;
  int limit;
};

const auto kMatmulQ8 = variants<MatmulQ8>({{"m33", m33::matmul_q8}}, host::matmul_q8);

void expect_same_matmul_q8(const Q8& w, uint32_t rows, const std::vector<int16_t>& x, int stride,
                           int n_tokens) {
  const std::vector<float> x_scale = {1.0f, 0.5f, 3.0f, 0.1f, 2.0f, 1.5f, 0.7f, 0.3f};
  std::vector<float> want(static_cast<size_t>(n_tokens) * rows, -7.0f);
  MatmulQ8 a{.weights = w.bytes.data(),
             .columns = static_cast<int>(w.columns),
             .chunk_pairs = static_cast<int>(w.chunk_pairs),
             .blocks = {0, static_cast<int>(rows / 8)},
             .x = x.data(),
             .x_stride = stride,
             .x_scale = x_scale.data(),
             .n_tokens = n_tokens,
             .out = want.data(),
             .out_stride = static_cast<int>(rows)};
  portable::matmul_q8(a);
  for (const auto& variant : kMatmulQ8)
    for (const RowShape shape : {RowShape::kAny, row_shape(a.columns, a.chunk_pairs)}) {
      std::vector<float> got(want.size(), -7.0f);
      a.out = got.data();
      a.shape = shape;
      variant.run(a);
      EXPECT_TRUE(same_bits(got, want))
          << variant.name << ", " << w.columns << " columns, chunks of " << w.chunk_pairs;
    }
}

TEST(Kernels, MatmulQ8) {
  Numbers numbers(5);
  for (const uint32_t columns : {2u, 36u, 64u, 172u, 258u})
    for (const uint32_t chunk_pairs : {2u, 32u, 200u})
      for (const int n_tokens : {1, 3, 8}) {
        const uint32_t rows = 48;
        const Q8 w(rows, columns, chunk_pairs,
                   [&](uint32_t, uint32_t) { return numbers.integer(-127, 127); });
        const int stride = static_cast<int>(q8_columns(columns)) + 4;
        std::vector<int16_t> x(static_cast<size_t>(stride * n_tokens));
        for (int16_t& v : x) v = static_cast<int16_t>(numbers.integer(-w.limit, w.limit));
        expect_same_matmul_q8(w, rows, x, stride, n_tokens);
      }
}

// The largest sums the packer's limit admits: all weights and activations at their extremes, with every mix
// of signs between the two rows of a pair.
TEST(Kernels, MatmulQ8AtTheLimit) {
  for (const uint32_t columns : {4u, 64u, 4096u})
    for (const uint32_t chunk_pairs : {2u, 32u, 2048u})
      for (int signs = 0; signs < 4; ++signs) {
        const Q8 w(8, columns, chunk_pairs,
                   [&](uint32_t row, uint32_t) { return (signs >> (row % 2) & 1) != 0 ? -127 : 127; });
        const int64_t chunk = std::min<int64_t>(chunk_pairs * 2, columns);
        EXPECT_LE(chunk * 127 * w.limit, kQ8ChunkSumLimit);
        // The limit is tight: one more would violate a bound.
        EXPECT_TRUE(w.limit == 32767 || chunk * 127 * (w.limit + 1) > kQ8ChunkSumLimit ||
                    int64_t{columns} * 127 * (w.limit + 1) > kQ8RowSumLimit);
        for (const int sign : {-1, 1}) {
          const std::vector<int16_t> x(columns, static_cast<int16_t>(sign * w.limit));
          expect_same_matmul_q8(w, 8, x, static_cast<int>(columns), 1);
        }
      }
}

}  // namespace
}  // namespace pico_llama
