/// The prompt loop: from a host opening the port to the next story.
#pragma once

#include "firmware/app/commands.h"
#include "firmware/app/line_editor.h"
#include "firmware/app/model_loader.h"
#include "firmware/app/output.h"
#include "firmware/app/settings.h"
#include "firmware/app/status_led.h"
#include "firmware/app/storyteller.h"

namespace pico_llama::app {

class Application {
 public:
  /// `both`: workers for both cores; null if there is only one.
  Application(hal::Board& board, hal::Console& console, Workers& single, Workers* both)
      : board_(board),
        console_(console),
        output_(console),
        editor_(console, Commands::complete),
        loader_(board),
        led_(board),
        storyteller_(board, console, output_, led_),
        single_(single),
        both_(both) {}

  /// Finds and places the model. Call once, before step().
  void load_model();

  /// One iteration of the main loop: handles a newly connected host, input or the button; otherwise idles.
  /// Returns false if there was nothing to do.
  bool step();

  /// Handles a line as if typed: a command or a prompt. May modify it.
  void handle_line(std::span<char> line);

  const Settings& settings() const { return settings_; }
  bool json() const { return output_.json(); }

 private:
  friend struct Commands;

  void greet();
  void goodbye();
  void prompt();
  void wait_for_input(bool connected);
  bool is_echo_of_banner(std::string_view line);
  void stop_ignoring_echo();
  void tell(Beginning beginning, std::string_view text);
  void report(const StoryStats& stats);
  void take_model_temperature();
  void say_why_no_story();
  bool button_clicked();

  hal::Board& board_;
  hal::Console& console_;
  Output output_;
  LineEditor editor_;
  ModelLoader loader_;
  StatusLed led_;
  Storyteller storyteller_;
  Workers& single_;
  Workers* both_;
  Settings settings_;
  bool greeted_ = false;
  bool ignoring_echo_ = false;
  size_t asked_size_ = 0;  ///< length of the line when the terminal was last asked for its width
  uint64_t last_input_us_ = 0;
  uint64_t opened_us_ = 0;  ///< when the port was opened; 0 while it is closed
  bool button_down_ = false;
  uint64_t button_since_us_ = 0;
};

}  // namespace pico_llama::app
