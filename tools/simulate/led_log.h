#pragma once
#include <span>
#include <string>

#include "simulator/devices/led.h"

namespace pico_llama::simulate {

/// The LED for people and for tests: a file with one line a change, or a character on this terminal.
class LedLog {
 public:
  /// `path`: a file, or "-" for the terminal on standard error.
  explicit LedLog(std::string path) : path_(std::move(path)) {}
  /// Errors: throws Failure where the file could not be written, UsageFailure without a terminal.
  static void check(const std::string& path, std::span<const std::string> inputs);

  void changed(bool lit, simulator::Picoseconds at);
  /// Draws the share of the time since the last drawing that the LED was lit: one of five shades at the right
  /// end of the first row. Does nothing for a file, or within 50 ms of simulated time.
  void draw(const simulator::Led& led, simulator::Picoseconds now);
  /// Errors: throws Failure.
  void finish();

 private:
  bool on_terminal() const { return path_ == "-"; }

  std::string path_;
  std::string lines_;
  simulator::Picoseconds drawn_at_ = 0, lit_before_ = 0;
  const char* shade_ = "";
};

}  // namespace pico_llama::simulate
