#include "tools/packer/tensor_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace pico_llama::packer {
namespace {

using formats::Tensor;

template <typename T>
void put(std::span<std::byte> out, std::uint64_t at, T value) {
  std::memcpy(out.data() + at, &value, sizeof(value));
}

/// One row as integers and the scale that restores it.
struct QuantizedRow {
  std::vector<int> weights;  // columns padded to q8_columns() with 0
  float scale = 0;
};

void quantize_row(std::span<const float> row, QuantizedRow& out) {
  float largest = 0;
  for (const float value : row) largest = std::max(largest, std::fabs(value));
  std::fill(out.weights.begin(), out.weights.end(), 0);
  // A row whose scale would be subnormal is stored as zeros: its products are below any rounding error.
  out.scale = largest / 127.0f >= std::numeric_limits<float>::min() ? largest / 127.0f : 0.0f;
  if (out.scale == 0) return;
  for (std::size_t i = 0; i < row.size(); ++i)
    out.weights[i] = std::clamp(static_cast<int>(std::lround(row[i] / out.scale)), -127, 127);
}

}  // namespace

void encode_plain_f32(const Tensor& tensor, std::span<std::byte> out) {
  std::vector<float> row(tensor.columns);
  for (std::uint64_t r = 0; r < tensor.rows; ++r) {
    tensor.read_row(r, row);
    std::memcpy(out.data() + r * tensor.columns * sizeof(float), row.data(), tensor.columns * sizeof(float));
  }
}

void encode_rows_f32(const Tensor& tensor, std::span<std::byte> out) {
  const auto columns = static_cast<std::uint32_t>(tensor.columns);
  std::vector<float> row(columns);
  for (std::uint32_t r = 0; r < tensor.rows; ++r) {
    tensor.read_row(r, row);
    for (std::uint32_t c = 0; c < columns; ++c) put(out, f32_index(r, c, columns) * sizeof(float), row[c]);
  }
}

void encode_rows_q8(const Tensor& tensor, std::span<std::byte> out) {
  const auto columns = static_cast<std::uint32_t>(tensor.columns);
  std::vector<float> row(columns);
  QuantizedRow even, odd;
  for (QuantizedRow* quantized : {&even, &odd}) quantized->weights.resize(q8_columns(columns));
  for (std::uint32_t r = 0; r < tensor.rows; r += 2) {
    tensor.read_row(r, row);
    quantize_row(row, even);
    if (r + 1 < tensor.rows) {
      tensor.read_row(r + 1, row);
      quantize_row(row, odd);
    } else {
      odd = {std::vector<int>(q8_columns(columns)), 0};
    }
    put(out, q8_scale_offset(r, columns), even.scale);
    put(out, q8_scale_offset(r + 1, columns), odd.scale);
    for (std::uint32_t c = 0; c < q8_columns(columns); c += 2)
      put(out, q8_word_offset(r, c, columns),
          q8_word(even.weights[c], odd.weights[c], even.weights[c + 1], odd.weights[c + 1]));
  }
}

Q8Limits choose_q8_limits(std::span<const std::byte> tensor, std::uint32_t rows, std::uint32_t columns) {
  const std::uint32_t pairs = q8_columns(columns) / 2;
  for (std::uint32_t chunks = 1;; ++chunks) {
    // Even, so that a chunk is whole steps of a kernel that takes two pairs at once.
    const std::uint32_t chunk_pairs = std::max(2u, (pairs + chunks - 1) / chunks + 1) / 2 * 2;
    if (chunk_pairs > std::numeric_limits<std::uint16_t>::max()) continue;
    const Q8Norms norms = q8_norms(tensor, rows, columns, chunk_pairs);
    const std::uint16_t limit = q8_activation_limit(norms.max_chunk_l1, norms.max_row_l1);
    if (limit >= kWantedActivationLimit || chunk_pairs == 2)
      return {limit, static_cast<std::uint16_t>(chunk_pairs)};
  }
}

}  // namespace pico_llama::packer
