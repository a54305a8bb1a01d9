// UTF-8 validation of input, and output in whole characters only.
#pragma once
#include <cstddef>
#include <string_view>

namespace pico_llama {

/// Offset of the first byte that is not well-formed UTF-8 (Unicode 15, table 3-7), or text.size().
size_t utf8_valid_prefix(std::string_view text);

/// Holds back the bytes of a character until it is whole.
class Utf8Stream {
 public:
  /// Adds bytes and returns how many of the buffered ones are whole characters or can never become one.
  /// Out: appends to `out` everything that may be shown now. Requires: out has room for bytes.size() + 3.
  size_t push(std::string_view bytes, char* out);
  /// What is still held back, at the end of the text.
  std::string_view rest() const { return {held_, held_count_}; }
  void clear() { held_count_ = 0; }

 private:
  char held_[4] = {};
  size_t held_count_ = 0;
};

}  // namespace pico_llama
