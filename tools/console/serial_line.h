#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace pico_llama::console {

/// The board's serial port from this computer's side.
class SerialLine {
 public:
  /// Opens a serial port or pseudo terminal in raw mode, exclusively. Errors: Failure with reason and remedy.
  explicit SerialLine(const std::string& path);
  ~SerialLine();
  SerialLine(const SerialLine&) = delete;
  SerialLine& operator=(const SerialLine&) = delete;

  /// Errors: Failure if the board is gone.
  void write(std::string_view bytes);
  /// Received bytes, at once or after waiting; empty on timeout or signal.
  /// Errors: Failure if the board is gone.
  std::string read(std::chrono::milliseconds wait);
  /// Errors: Failure if the board is gone.
  void check();
  /// To wait on together with something else.
  int descriptor() const { return fd_; }

 private:
  [[noreturn]] void fail_gone();

  std::string path_;
  int fd_ = -1;
};

/// Port of the only connected board with this firmware, identified by its USB product name.
/// Errors: Failure if there is none, or more than one.
std::string find_board();

}  // namespace pico_llama::console
