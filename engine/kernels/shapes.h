// Shapes with specialised kernels, and their conditions. Recognised once, when a model is opened. DESIGN.md,
// "How to add something", lists the files of a new one.
#pragma once
#include <cstdint>

namespace pico_llama {

/// Shape of the query heads that share a KV head.
enum class HeadShape : uint8_t {
  kAny,
  kTwoOf8,  ///< two heads of 8 elements: stories260K. RoPE and key storage test for it, too, though they
            ///< depend on the head size only
};
constexpr HeadShape head_shape(int heads, int head_size) {
  return heads == 2 && head_size == 8 ? HeadShape::kTwoOf8 : HeadShape::kAny;
}

/// Shape of a q8 tensor's rows.
enum class RowShape : uint8_t {
  kAny,
  k64,  ///< 64 columns in a single chunk: all of stories260K's matrices except w2
};
constexpr RowShape row_shape(int columns, int chunk_pairs) {
  return columns == 64 && chunk_pairs >= 32 ? RowShape::k64 : RowShape::kAny;
}

}  // namespace pico_llama
