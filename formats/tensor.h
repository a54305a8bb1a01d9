#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pico_llama::formats {

/// How a file stores the numbers of a tensor. Blocks run along rows; a row is a whole number of blocks.
/// Source: llama2.c export.py (kQ80); the safetensors format (kF16, kBf16); GGUF's types of the same names.
enum class Encoding {
  kF32,
  kF16,
  kBf16,
  kQ80,   ///< llama2.c: int8, and one fp32 scale for `group_size` elements of the FLATTENED tensor, across
          ///< rows
  kQ8_0,  ///< 32 elements in 34 bytes: fp16 scale, int8
  kQ4_0,  ///< 32 elements in 18 bytes: fp16 scale, 4 bits less 8
  kQ5_0,  ///< 32 elements in 22 bytes: fp16 scale, the fifth bits, the low four, less 16
  kQ4_K,  ///< 256 elements in 144 bytes: 8 groups of 4 bits, each with a 6-bit scale and minimum
  kQ6_K,  ///< 256 elements in 210 bytes: 16 groups of 6 bits less 32, each with an 8-bit scale
};
const char* encoding_name(Encoding encoding);
/// Elements of a block; 1 where there are none.
std::uint64_t block_elements(Encoding encoding);
/// Bytes of a block of the element.
std::uint64_t block_bytes(Encoding encoding);

/// One matrix or vector of a checkpoint, still in the file's own encoding.
/// The bytes may be unaligned; they must outlive the tensor.
struct Tensor {
  std::string name;                      ///< as in llama2.c with its layer: "wq.3"
  std::uint64_t rows = 0;                ///< outputs; 1 for a vector
  std::uint64_t columns = 0;             ///< inputs
  const std::uint8_t* values = nullptr;  ///< elements, or blocks of them, row after row
  const std::uint8_t* scales = nullptr;  ///< kQ80 only: rows * columns / group_size fp32
  std::uint32_t group_size = 0;          ///< kQ80 only
  Encoding encoding = Encoding::kF32;
  /// Row r is row (*file_rows)[r] of the file; null: row r.
  std::shared_ptr<const std::vector<std::uint32_t>> file_rows{};

  std::uint64_t elements() const { return rows * columns; }
  /// Bytes it occupies in the file.
  std::uint64_t bytes() const;
  bool quantized() const { return group_size != 0; }

  /// Decodes elements [first, first + out.size()) of the flattened tensor.
  /// Exact: a scale times an integer (and less a minimum) is rounded as written in the format's definition,
  /// to fp32 after each operation.
  void read(std::uint64_t first, std::span<float> out) const;

  /// Decodes one row. Shapes: out [columns].
  void read_row(std::uint64_t row, std::span<float> out) const { read(row * columns, out); }

  /// Requires: kQ80.
  float scale_of_group(std::uint64_t group) const;

 private:
  void read_in_file_order(std::uint64_t first, std::span<float> out) const;
};

/// Shapes: 16 bits as IEEE 754 binary16.
float float_of_half(std::uint16_t bits);

}  // namespace pico_llama::formats
