#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace pico_llama::formats {

/// One matrix or vector of a checkpoint, still in the file's own encoding: fp32, or q80 (int8 with one fp32
/// scale for every `group_size` consecutive elements of the FLATTENED tensor, so a group may cross rows).
/// The bytes may be unaligned; they must outlive the tensor.
struct Tensor {
  std::string name;                      ///< as in llama2.c with its layer: "wq.3"
  std::uint64_t rows = 0;                ///< outputs; 1 for a vector
  std::uint64_t columns = 0;             ///< inputs
  const std::uint8_t* values = nullptr;  ///< rows * columns fp32 or int8
  const std::uint8_t* scales = nullptr;  ///< q80 only: rows * columns / group_size fp32
  std::uint32_t group_size = 0;          ///< 0 for fp32

  std::uint64_t elements() const { return rows * columns; }
  bool quantized() const { return group_size != 0; }

  /// Decodes elements [first, first + out.size()) of the flattened tensor.
  /// Exact: fp32 as stored; q80 is float(int8) * scale, rounded once.
  void read(std::uint64_t first, std::span<float> out) const;

  /// Decodes one row. Shapes: out [columns].
  void read_row(std::uint64_t row, std::span<float> out) const { read(row * columns, out); }

  float scale_of_group(std::uint64_t group) const;
};

}  // namespace pico_llama::formats
