// The encoding rows_q4 of a model image, exactly as SPEC.md has it: 4-bit weights in groups along a row,
// each with a signed 8-bit code as its scale, and one float for every 8 rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
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
/// Bit of a word where the weight (row, column) begins: each half has, from its lowest bit, the word's rows
/// 2, 3, 0, 1; the low one of the even column, but of row 3 of the odd one. Kernels find pairs of rows with
/// masks and a single rotation (decision 0024).
constexpr uint32_t q4_shift(uint32_t row, uint32_t column) {
  const bool exchanged = row % 4 == 3;
  return (exchanged ? 1 - column % 2 : column % 2) * 16 + (row % 4 ^ 2) * 4;
}
/// What is stored is the weight plus this.
inline constexpr int kQ4Bias = 8;
/// The weight at (row, column) of its word, and the bits of a weight there.
constexpr int q4_weight(uint32_t word, uint32_t row, uint32_t column) {
  return static_cast<int>(word >> q4_shift(row, column) & 15) - kQ4Bias;
}
constexpr uint32_t q4_bits(int weight, uint32_t row, uint32_t column) {
  return static_cast<uint32_t>(weight + kQ4Bias) << q4_shift(row, column);
}

/// out[i] = weight (row, i) for i in [begin, end): scale * float(code * weight).
void q4_row(const std::byte* tensor, uint32_t row, uint32_t columns, int begin, int end, float* out);

/// A group's sum has 20 bits: 8 * 32 * 2047 < 2^19. Kernels tell the sums of a word's four rows apart by
/// that.
inline constexpr int64_t kQ4MaxActivationLimit = 2047;
/// What the bias of the stored weights adds to a group's sum, negated: -8 times the sum of its activations,
/// of which each is at most kQ4MaxActivationLimit. x: aligned to 4.
inline int32_t q4_bias(const int16_t* x) {
  // Both halves of a word at once: 16 activations fit 16 bits. The lower one is made positive, by 2^15.
  static_assert(kQ4Group / 2 * kQ4MaxActivationLimit < 1 << 15);
  uint32_t sum = 0;
#pragma GCC unroll 4
  for (uint32_t i = 0; i < kQ4Group; i += 2) {
    uint32_t pair;
    std::memcpy(&pair, x + i, sizeof pair);
    sum += pair ^ 0x8000;
  }
  sum -= kQ4Group / 2 * 0x8000;
  const auto low = static_cast<int16_t>(sum & 0xffff);
  const auto high = static_cast<int16_t>((sum - static_cast<uint32_t>(low)) >> 16);
  return -kQ4Bias * (low + high);
}

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
