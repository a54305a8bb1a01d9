/// Word-wraps streamed text for a terminal of known width.
#pragma once

#include <cstddef>
#include <string_view>

#include "hal/console.h"

namespace pico_llama::app {

/// A word is printed letter by letter; if it reaches the last column it is erased and moved to the next row,
/// so nothing is buffered.
class WordWrap {
 public:
  explicit WordWrap(hal::Console& console) : console_(console) {}

  /// Columns of the terminal; 0: unknown, text is passed through except that LF becomes CR LF.
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
