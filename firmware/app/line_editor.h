/// One line of input with editing and history, for any terminal that knows the VT100's cursor movements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/console.h"

namespace pico_llama::app {

/// Keys: arrows, Home, End, Delete, Backspace; Ctrl-A, E, B, F, P, N, D, K, U, W, L as in a shell; Ctrl-V
/// inserts the next key literally (Enter: a line feed, Tab: a tab); Tab completes; Ctrl-C discards the line.
/// UTF-8 characters are edited whole, on a line of any number of rows. History keeps the most recent lines
/// that fit.
class LineEditor {
 public:
  enum class Event : uint8_t {
    kNone,       ///< more input is needed
    kLine,       ///< line() is complete
    kAbandoned,  ///< Ctrl-C
    kTooLong,    ///< a line longer than kMaxBytes ended; it is discarded
  };
  static constexpr size_t kMaxBytes = 1023;
  static constexpr size_t kHistoryBytes = 1024;
  /// Plausible terminal widths; other reports are ignored.
  static constexpr unsigned kMinColumns = 20, kMaxColumns = 1000;

  /// Returns the characters that continue `line`, or nothing.
  using Completer = std::string_view (*)(std::string_view line);

  LineEditor(hal::Console& console, Completer completer) : console_(console), completer_(completer) {}

  /// Whether typed characters are shown. Off for programs.
  void set_echo(bool on) { echo_ = on; }
  /// Shows `prompt` and begins an empty line.
  void begin(std::string_view prompt);
  /// One byte of input.
  Event feed(char byte);
  /// The last complete line; valid until begin(). May be overwritten.
  std::span<char> line() { return {line_, size_}; }
  /// Whether a line has been begun: something is typed and not yet complete.
  bool typing() const { return size_ != 0; }

  /// Asks the terminal for its width; the answer arrives as input. Call only while a person is typing: a
  /// program would see the query in its input.
  void ask_columns();
  /// As the terminal answered; 0 if it has not.
  unsigned columns() const { return columns_; }
  /// Forgets the terminal's width and state, after a reconnect.
  void forget_terminal();

 private:
  enum class State : uint8_t { kText, kEscape, kBracket, kLiteral };
  /// A place on the terminal, relative to the prompt's first character.
  struct Cell {
    unsigned row, column;
  };

  void write(std::string_view text);
  void write_line(size_t from, size_t to);
  void move(char direction, unsigned count);
  Cell advance(Cell cell, std::string_view text) const;
  Cell cell_of(size_t position) const;
  void wrap_pending(Cell cell);
  void place_cursor(Cell from);
  void redraw(Cell from);
  void show_new();
  void insert(char byte);
  void insert_text(std::string_view text);
  void erase(size_t from, size_t to);
  void move_to(size_t position);
  void replace(std::string_view text);
  void recall(bool older);
  void remember();
  Event control(char byte);
  void key(char final);
  size_t previous(size_t position) const;
  size_t next(size_t position) const;
  std::string_view text() const { return {line_, size_}; }
  std::string_view history(size_t ago) const;

  hal::Console& console_;
  Completer completer_;
  std::string_view prompt_;
  bool echo_ = true;
  bool overflow_ = false;
  bool after_return_ = false;  ///< so that CR LF is one end of line
  bool asked_columns_ = false;
  uint16_t columns_ = 0;
  State state_ = State::kText;
  uint8_t parameters_ = 0;  ///< complete ones of an escape sequence
  uint16_t first_parameter_ = 0, parameter_ = 0;
  size_t size_ = 0;
  size_t cursor_ = 0;
  size_t unshown_ = 0;       ///< bytes before cursor_ of a character that is not whole yet
  size_t recalled_ = 0;      ///< 0: the line being typed, 1: the last one, ...
  size_t history_size_ = 0;  ///< bytes of history_ in use: lines, oldest first, each ended by a zero
  char line_[kMaxBytes + 1];
  char history_[kHistoryBytes];
};

}  // namespace pico_llama::app
