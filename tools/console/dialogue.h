#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tools/console/serial_line.h"

namespace pico_llama::console {

/// The console line that generates a story from `prompt`: the prompt itself, or a /tell command if it
/// contains control characters.
std::string line_for(std::string_view prompt);

/// A session in the board's JSON protocol (docs/console.md, "For programs").
class Dialogue {
 public:
  /// Cancels any running story and enables JSON mode. `patience`: maximum silence.
  /// Errors: Failure if the board does not answer.
  Dialogue(SerialLine& line, std::chrono::milliseconds patience, const std::atomic<bool>& cancelled);
  /// Restores interactive mode.
  ~Dialogue();
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  /// Generates a story and calls `on_line` for each line, the last one containing "stop". Set `cancelled` to
  /// stop early. Errors: Failure with the board's error message.
  void tell(std::string_view prompt,
            const std::function<void(const std::string& line, const nlohmann::json& object)>& on_line);

 private:
  std::string next_line();

  SerialLine& line_;
  const std::chrono::milliseconds patience_;
  const std::atomic<bool>& cancelled_;
  bool stopped_ = false;
  std::string buffer_;
};

}  // namespace pico_llama::console
