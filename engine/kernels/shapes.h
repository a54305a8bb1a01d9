// Shapes that have code of their own beside the general one, and their conditions: all of them, here. They
// are recognised once, when a model is opened. A further shape is a line here and its code in the kernels.
#pragma once
#include <cstdint>

namespace pico_llama {

/// Of the query heads that share a kv head.
enum class HeadShape : uint8_t {
  kAny,
  kTwoOf8,  ///< two heads of 8 elements: stories260K
};
constexpr HeadShape head_shape(int heads, int head_size) {
  return heads == 2 && head_size == 8 ? HeadShape::kTwoOf8 : HeadShape::kAny;
}

/// Of a q8 tensor's rows.
enum class RowShape : uint8_t {
  kAny,
  k64,  ///< 64 columns that are one chunk: stories260K but for w2
};
constexpr RowShape row_shape(int columns, int chunk_pairs) {
  return columns == 64 && chunk_pairs >= 32 ? RowShape::k64 : RowShape::kAny;
}

}  // namespace pico_llama
