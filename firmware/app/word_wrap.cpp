#include "firmware/app/word_wrap.h"

#include <cstring>

#include "firmware/app/columns.h"
#include "firmware/app/text.h"

namespace pico_llama::app {

void WordWrap::begin() {
  column_ = word_columns_ = 0;
  word_bytes_ = 0;
}

void WordWrap::new_row() {
  console_.write("\r\n");
  begin();
}

void WordWrap::write(std::string_view text) {
  if (columns_ != 0) {
    for (size_t at = 0; at < text.size();) {
      const size_t length = character_length(text.substr(at));
      character(text.substr(at, length));
      at += length;
    }
    return;
  }
  while (!text.empty()) {
    const size_t end = text.find('\n');
    console_.write(text.substr(0, end));
    if (end == std::string_view::npos) return;
    console_.write("\r\n");
    text.remove_prefix(end + 1);
  }
}

void WordWrap::character(std::string_view c) {
  // The last column stays free: terminals differ in where the cursor is after a full row.
  const unsigned edge = columns_ - 1;
  if (c == "\n") return new_row();
  const bool blank = c == " " || c == "\t";
  const unsigned columns = c == "\t" ? 8 - column_ % 8 : columns_of(c);
  if (column_ + columns > edge) {
    if (blank) return new_row();  // a blank at the edge is the line end
    if (word_bytes_ != 0 && word_columns_ < column_) {
      TextOf<16> back;
      if (word_columns_ != 0) back << "\x1b[" << word_columns_ << 'D';
      back << "\x1b[K";
      console_.write(back.view());
      console_.write("\r\n");
      console_.write({word_, word_bytes_});
      column_ = word_columns_;
    } else {
      new_row();
    }
  }
  console_.write(c);
  column_ += columns;
  // Between East Asian characters a row may end anywhere, and a word that is too long for word_ ends like
  // them.
  const bool breaks_after = blank || columns == 2 || word_bytes_ + c.size() > kMaxWordBytes;
  if (breaks_after) {
    word_columns_ = 0;
    word_bytes_ = 0;
    return;
  }
  std::memcpy(word_ + word_bytes_, c.data(), c.size());
  word_bytes_ += c.size();
  word_columns_ += columns;
}

}  // namespace pico_llama::app
