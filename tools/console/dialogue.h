#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tools/console/serial_line.h"

namespace pico_llama::console {

/// The console line that has the board tell a story that begins with `prompt`: itself, or /tell where it
/// holds control characters.
std::string line_for(std::string_view prompt);

/// A conversation in the board's own JSON lines (docs/console.md, "For programs").
class Dialogue {
 public:
  /// Ends what the board was doing and puts it into JSON mode. `patience`: how long it may say nothing.
  /// Errors: Failure if it does not answer.
  Dialogue(SerialLine& line, std::chrono::milliseconds patience, const std::atomic<bool>& cancelled);
  /// Leaves the board as a person wants to find it.
  ~Dialogue();
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  /// Has a story told and calls `on_line` with each of its lines, as they come, the last one with "stop". Set
  /// `cancelled` to end it early.
  /// Errors: Failure with the board's own words if it refuses.
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
