/// One line of input with editing and history, for any terminal that knows the VT100's cursor keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/console.h"

namespace pico_llama::app {

/// Keys: arrows, Home, End, Delete, Backspace; Ctrl-A, E, B, F, P, N, D, K, U, W, L as in every shell; Ctrl-C
/// gives the line up. UTF-8 characters are edited whole. History keeps as many of the last lines as fit its
/// room.
class LineEditor {
 public:
  enum class Event : uint8_t {
    kNone,       ///< more input is needed
    kLine,       ///< line() is complete
    kAbandoned,  ///< Ctrl-C
    kTooLong,    ///< a line longer than kMaxBytes ended; it is not given out, not even its beginning
  };
  static constexpr size_t kMaxBytes = 1023;
  static constexpr size_t kHistoryBytes = 1024;

  explicit LineEditor(hal::Console& console) : console_(console) {}

  /// Whether typed characters are shown. Programs that talk to us turn that off.
  void set_echo(bool on) { echo_ = on; }
  /// Shows `prompt` and begins an empty line.
  void begin(std::string_view prompt);
  /// One byte of input.
  Event feed(char byte);
  /// The last complete line; valid until begin().
  std::string_view line() const { return {line_, size_}; }

 private:
  enum class State : uint8_t { kText, kEscape, kBracket };

  void show(std::string_view text);
  void show_tail();
  void back(size_t characters);
  void insert(char byte);
  void erase(size_t from, size_t to);
  void move_to(size_t position);
  void replace(std::string_view text);
  void recall(bool older);
  void remember();
  Event control(char byte);
  void key(char final);
  size_t previous(size_t position) const;
  size_t next(size_t position) const;
  static size_t characters(std::string_view text);
  std::string_view history(size_t ago) const;

  hal::Console& console_;
  std::string_view prompt_;
  bool echo_ = true;
  bool overflow_ = false;
  bool after_return_ = false;  ///< so that CR LF is one end of line
  State state_ = State::kText;
  unsigned parameter_ = 0;  ///< of an escape sequence
  size_t size_ = 0;
  size_t cursor_ = 0;
  size_t recalled_ = 0;      ///< 0: the line being typed, 1: the last one, ...
  size_t history_size_ = 0;  ///< bytes of history_ in use: lines, oldest first, each ended by a zero
  char line_[kMaxBytes + 1];
  char history_[kHistoryBytes];
};

}  // namespace pico_llama::app
