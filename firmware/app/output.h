/// What the application says, in the words of a person or in JSON, one line each.
#pragma once

#include <string_view>

#include "firmware/app/text.h"
#include "hal/console.h"

namespace pico_llama::app {

class Output {
 public:
  explicit Output(hal::Console& console) : console_(console) {}

  bool json() const { return json_; }
  void set_json(bool on) { json_ = on; }

  /// One line of information: as it is, or {"message": ...}.
  void line(std::string_view text);
  void line(const Text& text) { line(text.view()); }
  /// One line about something that went wrong and what to do: with "! " in front, or {"error": ...}.
  void error(std::string_view text);
  void error(const Text& text) { error(text.view()); }
  /// Text of a story: line feeds become what terminals want.
  void story(std::string_view text);
  /// As it is.
  void raw(std::string_view text) { console_.write(text); }
  void end_line() { console_.write("\r\n"); }

 private:
  void object(std::string_view key, std::string_view text);

  hal::Console& console_;
  bool json_ = false;
};

}  // namespace pico_llama::app
