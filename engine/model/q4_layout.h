// The encoding rows_q4 of a model image, exactly as SPEC.md has it: 4-bit weights in groups along a row,
// each with a signed 8-bit code as its scale, and one float for every 8 rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/model/config.h"

namespace pico_llama {

/// Columns that share a code; a row is padded with weights of 0 to whole groups.
inline constexpr uint32_t kQ4Group = 32;
/// Weights are -8..7. The packer's codes are within this; readers accept any int8.
inline constexpr int kQ4MaxCode = 127;
/// Bytes of a group of 8 rows: two words for each column pair, then the rows' codes.
inline constexpr uint32_t kQ4GroupBytes = kQ4Group / 2 * 8 + kBlockRows;

constexpr uint32_t q4_groups(uint32_t columns) { return (columns + kQ4Group - 1) / kQ4Group; }
constexpr uint32_t q4_columns(uint32_t columns) { return q4_groups(columns) * kQ4Group; }
/// Bytes of a block of 8 rows: its fp32 scale, then its groups.
constexpr uint64_t q4_block_bytes(uint32_t columns) {
  return sizeof(float) + uint64_t{q4_groups(columns)} * kQ4GroupBytes;
}
/// Offset, in bytes from the tensor's start, of the scale of a row's block.
constexpr uint64_t q4_scale_offset(uint32_t row, uint32_t columns) {
  return row / kBlockRows * q4_block_bytes(columns);
}
/// Offset, in bytes from the tensor's start, of the 32-bit word that holds rows 4r..4r+3 x columns (2c,
/// 2c+1).
constexpr uint64_t q4_word_offset(uint32_t row, uint32_t column, uint32_t columns) {
  return q4_scale_offset(row, columns) + sizeof(float) + uint64_t{column / kQ4Group} * kQ4GroupBytes +
         column % kQ4Group / 2 * 8 + row % kBlockRows / 4 * 4;
}
/// Offset, in bytes from the tensor's start, of the code of a row's group.
constexpr uint64_t q4_code_offset(uint32_t row, uint32_t group, uint32_t columns) {
  return q4_scale_offset(row, columns) + sizeof(float) + uint64_t{group + 1} * kQ4GroupBytes - kBlockRows +
         row % kBlockRows;
}
/// Bit of a word where the weight (row, column) begins: the even column's rows in the low half.
constexpr uint32_t q4_shift(uint32_t row, uint32_t column) { return column % 2 * 16 + row % 4 * 4; }
/// The weight at (row, column) of its word: 4 bits, two's complement.
constexpr int q4_weight(uint32_t word, uint32_t row, uint32_t column) {
  return static_cast<int32_t>(word << (28 - q4_shift(row, column))) >> 28;
}

/// out[i] = weight (row, i) for i in [begin, end): scale * float(code * weight).
void q4_row(const std::byte* tensor, uint32_t row, uint32_t columns, int begin, int end, float* out);

/// A kernel may keep a group's sum times 2^12 in 32 bits: 2^12 * 8 * 32 * 2047 < 2^31.
inline constexpr int64_t kQ4MaxActivationLimit = 2047;
/// The largest sum of |code| over a row of the tensor.
int64_t q4_max_row_codes(std::span<const std::byte> tensor, uint32_t rows, uint32_t columns);
/// The largest x <= 2047 with max_row_codes * 8 * 32 * x <= 2^31-1 (proof in SPEC.md, "Why q4 sums do not
/// overflow").
constexpr uint16_t q4_activation_limit(int64_t max_row_codes) {
  constexpr int64_t kMost = (int64_t{1} << 31) - 1;
  const int64_t x = max_row_codes > 0 ? kMost / (max_row_codes * 8 * kQ4Group) : kMost;
  return static_cast<uint16_t>(x < kQ4MaxActivationLimit ? x : kQ4MaxActivationLimit);
}

}  // namespace pico_llama
