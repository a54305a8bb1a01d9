/// Everything the application prints: lines for a person, or a JSON object a line.
#pragma once

#include <string_view>

#include "firmware/app/text.h"
#include "firmware/app/word_wrap.h"
#include "hal/console.h"

namespace pico_llama::app {

class Output {
 public:
  explicit Output(hal::Console& console) : console_(console), wrap_(console) {}

  bool json() const { return json_; }
  void set_json(bool on) { json_ = on; }

  /// One line of information: wrapped at kDefaultColumns - 1, or {"message": ...}.
  void line(std::string_view text);
  void line(const Text& text) { line(text.view()); }
  /// One line about something that went wrong and what to do: with "! " in front, or {"error": ...}.
  void error(std::string_view text);
  void error(const Text& text) { error(text.view()); }

  /// Starts a story on a terminal of `columns` columns; 0: unknown, the terminal wraps.
  void begin_story(unsigned columns);
  /// Text of a story: wrapped at words, line feeds as CR LF, without the control characters that a terminal
  /// would act on.
  void story(std::string_view text);

  /// Raw output.
  void raw(std::string_view text) { console_.write(text); }
  void end_line() { console_.write("\r\n"); }

 private:
  void object(std::string_view key, std::string_view text);
  void rows(std::string_view text, size_t indent, size_t column);

  hal::Console& console_;
  WordWrap wrap_;
  bool json_ = false;
};

}  // namespace pico_llama::app
