#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "formats/failure.h"
#include "tools/console/serial_line.h"

namespace pico_llama::console {

/// The board answers with an error: its own words.
class BoardRefuses : public Failure {
 public:
  using Failure::Failure;
};

/// The console line that generates a story from `prompt`: the prompt itself, or a /tell command if it
/// contains control characters.
std::string line_for(std::string_view prompt);

/// A session in the board's JSON protocol (docs/console.md, "For programs").
class Dialogue {
 public:
  /// Cancels any running story and enables JSON mode. `patience`: maximum silence.
  /// Errors: Failure if the board does not answer.
  Dialogue(SerialLine& line, std::chrono::milliseconds patience, const std::atomic<bool>& cancelled);
  /// Restores interactive mode and every setting that set() changed, unless the board was abandoned.
  ~Dialogue();
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  /// Changes a setting for the lifetime of this object. `command`: temp, topp, seed or steps.
  /// Errors: as tell().
  void set(const std::string& command, const std::string& value);

  /// Generates a story and calls `on_line` for each line, the last one containing "stop". The story ends
  /// early when `cancelled`, of the dialogue or of this story, is true. Errors: BoardRefuses with the board's
  /// error message; Failure if the board is gone or does not answer.
  void tell(std::string_view prompt,
            const std::function<void(const std::string& line, const nlohmann::json& object)>& on_line,
            const std::function<bool()>& cancelled = {});
  /// The board's answer to a command of one line. Errors: as tell().
  std::string ask(std::string_view command);
  /// The name of the board's model; empty where it has none. Errors: Failure as tell().
  std::string model_name();
  /// The board is known to be gone: there is nothing to leave tidy.
  void abandon() { abandoned_ = true; }

 private:
  /// A command of the board that changes a setting, and the value it had.
  struct Setting {
    std::string command, value;
  };

  std::string next_line();
  /// The next object. Errors: BoardRefuses if it is the board's error.
  nlohmann::json next_object(std::string& line);

  SerialLine& line_;
  const std::chrono::milliseconds patience_;
  const std::atomic<bool>& cancelled_;
  std::function<bool()> story_cancelled_;
  bool answered_ = false;  ///< the board is in JSON mode
  bool stopped_ = false;
  bool abandoned_ = false;
  std::vector<Setting> changed_;
  std::string buffer_;
};

}  // namespace pico_llama::console
