/// Wraps streamed text at words, for a terminal that said how wide it is.
#pragma once

#include <cstddef>
#include <string_view>

#include "hal/console.h"

namespace pico_llama::app {

/// A word is shown as it comes, letter by letter; when it reaches the last column it is taken back and begun
/// again on the next row. Nothing is held back.
class WordWrap {
 public:
  explicit WordWrap(hal::Console& console) : console_(console) {}

  /// Columns of the terminal; 0 where it did not say: text is then passed on as it is, but for line feeds (CR
  /// LF).
  void set_columns(unsigned columns) { columns_ = columns; }
  /// The cursor is in the first column.
  void begin();
  /// Requires: whole characters, no control characters but line feed and tab.
  void write(std::string_view text);

 private:
  static constexpr size_t kMaxWordBytes = 40;  ///< a longer one is broken at the edge

  void character(std::string_view c);
  void new_row();

  hal::Console& console_;
  unsigned columns_ = 0;
  unsigned column_ = 0;
  unsigned word_columns_ = 0;
  size_t word_bytes_ = 0;
  char word_[kMaxWordBytes];
};

}  // namespace pico_llama::app
