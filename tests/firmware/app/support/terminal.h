// A VT100 of any width that keeps its screen, so that a test compares what a person sees with what the editor
// holds. It knows the sequences that firmware/app sends; any other fails the test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "hal/console.h"

namespace pico_llama::app::test_support {

class Terminal final : public hal::Console {
 public:
  explicit Terminal(size_t columns) : columns_(columns), rows_(1) {}

  bool connected() override { return true; }
  int read() override { return -1; }
  void watch_for_cancel(bool) override {}
  bool cancelled() override { return false; }
  unsigned take_lost_input() override { return 0; }
  void idle() override {}
  void flush() override {}

  void write(std::string_view text) override {
    for (const char c : text) {
      pending_ += c;
      if (complete()) {
        act();
        pending_.clear();
      }
    }
  }

  /// All rows, one behind the other.
  std::string shown() const {
    std::string all;
    for (const auto& row : rows_)
      for (const std::string& cell : row) all += cell;
    return all;
  }
  /// Row by row, blanks at their ends dropped.
  std::vector<std::string> rows() const {
    std::vector<std::string> all;
    for (const auto& row : rows_) {
      std::string text;
      for (const std::string& cell : row) text += cell;
      text.erase(text.find_last_not_of(' ') + 1);
      all.push_back(text);
    }
    return all;
  }
  void clear() {
    rows_.assign(1, {});
    row_ = column_ = 0;
    full_ = false;
  }
  size_t row() const { return row_; }
  size_t column() const { return column_; }

  int bells = 0;
  std::string answers;  ///< to be typed: what the terminal reports of itself

 private:
  static size_t utf8_length(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  }
  bool complete() const {
    if (pending_[0] != '\x1b') return pending_.size() >= utf8_length(pending_[0]);
    if (pending_.size() < 2) return false;
    return pending_[1] != '[' || (pending_.size() > 2 && pending_.back() >= '@' && pending_.back() <= '~');
  }
  /// Of the characters that the tests use.
  static size_t width(const std::string& c) {
    char32_t code = static_cast<unsigned char>(c[0]);
    if (c.size() > 1) code &= 0x7fu >> c.size();
    for (size_t i = 1; i < c.size(); ++i) code = code << 6 | (static_cast<unsigned char>(c[i]) & 0x3f);
    if ((code >= 0x300 && code <= 0x36f) || code == 0x200d || code == 0xfe0f) return 0;
    return (code >= 0x3000 && code <= 0x9fff) || (code >= 0xff00 && code <= 0xff60) || code >= 0x1f300 ? 2
                                                                                                       : 1;
  }

  void act() {
    const std::string& p = pending_;
    if (p[0] == '\x1b') return sequence();
    if (p == "\r") {
      column_ = 0;
      full_ = false;
    } else if (p == "\n") {
      next_row();
    } else if (p == "\t") {
      do put(" ");
      while (column_ % 8 != 0 && !full_);
    } else if (p == "\a") {
      ++bells;
    } else {
      ASSERT_GE(static_cast<unsigned char>(p[0]), 0x20) << "a control character reached the terminal";
      put(p);
    }
  }

  void next_row() {
    ++row_;
    if (row_ == rows_.size()) rows_.emplace_back();
    full_ = false;
  }

  void put(const std::string& c) {
    const size_t w = width(c);
    if (w == 0) {
      if (column_ > 0) rows_[row_][column_ - (full_ ? 0 : 1)] += c;
      return;
    }
    if (full_ || column_ + w > columns_) {
      column_ = 0;
      next_row();
    }
    auto& row = rows_[row_];
    if (row.size() < column_ + w) row.resize(column_ + w, " ");
    row[column_] = c;
    if (w == 2) row[column_ + 1].clear();
    column_ += w;
    if (column_ == columns_) {  // the cursor stays on the last column until the next character
      column_ = columns_ - 1;
      full_ = true;
    }
  }

  void sequence() {
    if (pending_ ==
        "\x1b"
        "7") {
      saved_row_ = row_;
      saved_column_ = column_;
      return;
    }
    if (pending_ ==
        "\x1b"
        "8") {
      row_ = saved_row_;
      column_ = saved_column_;
      return;
    }
    const size_t n = std::max<size_t>(1, std::strtoul(pending_.c_str() + 2, nullptr, 10));
    auto& row = rows_[row_];
    switch (pending_.back()) {
      case 'A':
        ASSERT_LE(n, row_) << "up, past the first row";
        row_ -= n;
        break;
      case 'B':
        ASSERT_LT(row_ + n, rows_.size()) << "down, past the last row";
        row_ += n;
        break;
      case 'C':
        column_ = std::min(column_ + n, columns_ - 1);
        break;
      case 'D':
        column_ -= std::min(n, column_);
        break;
      case 'J':
        if (pending_ == "\x1b[2J") {
          rows_.assign(rows_.size(), {});
        } else {
          row.resize(std::min(row.size(), column_));
          rows_.resize(row_ + 1);
        }
        break;
      case 'K':
        row.resize(std::min(row.size(), column_));
        break;
      case 'H':
        row_ = column_ = 0;
        break;
      case 'n':
        ASSERT_EQ(pending_, "\x1b[6n");
        answers += "\x1b[" + std::to_string(row_ + 1) + ";" + std::to_string(column_ + 1) + "R";
        break;
      default:
        FAIL() << "sequence " << pending_.substr(1);
    }
    full_ = false;
  }

  const size_t columns_;
  std::vector<std::vector<std::string>> rows_;
  size_t row_ = 0, column_ = 0;
  bool full_ = false;
  size_t saved_row_ = 0, saved_column_ = 0;
  std::string pending_;
};

}  // namespace pico_llama::app::test_support
