#include "firmware/app/application.h"

#include "firmware/app/commands.h"
#include "firmware/app/report.h"

namespace pico_llama::app {
namespace {

constexpr std::string_view kPrompt = "> ";
/// Debounce time of the button.
constexpr uint64_t kDebounceUs = 20'000;
/// A program opens the port, then sets its mode; text sent in between would be echoed and translated.
constexpr uint64_t kSettleUs = 50'000;
/// An echo arrives within this time.
constexpr uint64_t kEchoUs = 500'000;
/// A pause this long within a line means a person is typing: programs send a line at once.
constexpr uint64_t kTypingPauseUs = 10'000;

}  // namespace

void Application::load_model() {
  loader_.load(&single_, both_);
  settings_.cores = loader_.cores();
  take_model_temperature();
}

/// What the model's maker recommends, unless somebody has said otherwise.
void Application::take_model_temperature() {
  if (settings_.own_temperature) return;
  const bool ready = loader_.state() == ModelState::kReady;
  settings_.temperature = ready ? loader_.image().metadata().temperature_or_default() : 1.0f;
}

bool Application::step() {
  const bool connected = console_.connected();
  if (!connected && greeted_) goodbye();
  greeted_ = greeted_ && connected;
  if (connected && opened_us_ == 0) opened_us_ = board_.micros();
  if (!connected) opened_us_ = 0;
  const bool settled = board_.micros() - opened_us_ >= kSettleUs;
  if (connected && !greeted_ && settled) greet();

  if (button_clicked()) {
    if (connected && !output_.json()) output_.end_line();
    tell(Beginning::kOwnSeed, {});
    if (connected) prompt();
    return true;
  }
  const int byte = console_.read();
  if (byte < 0) {
    wait_for_input(connected);
    return connected && !greeted_;
  }
  // Asked again: the port may have been opened between the question above and this byte.
  if (!greeted_ && console_.connected()) greet();
  const uint64_t now_us = board_.micros();
  if (ignoring_echo_ && now_us - last_input_us_ > kEchoUs) stop_ignoring_echo();
  last_input_us_ = now_us;
  switch (editor_.feed(static_cast<char>(byte))) {
    case LineEditor::Event::kNone:
      return true;
    case LineEditor::Event::kLine:
      handle_line(editor_.line());
      break;
    case LineEditor::Event::kAbandoned:
      stop_ignoring_echo();
      break;
    case LineEditor::Event::kTooLong: {
      TextOf<128> text;
      text << "that line is longer than " << LineEditor::kMaxBytes
           << " bytes and was not used; give a shorter prompt";
      output_.error(text);
      break;
    }
  }
  prompt();
  return true;
}

void Application::greet() {
  report_board(output_, board_);
  report_model(output_, board_, loader_);
  output_.line("Type how a story begins, or just Enter. /help lists commands, Ctrl-C stops.");
  greeted_ = true;
  prompt();
}

/// Resets the port's state, not the settings, for the next connection.
void Application::goodbye() {
  output_.set_json(false);
  editor_.forget_terminal();
  ignoring_echo_ = false;
}

void Application::wait_for_input(bool connected) {
  led_.wait(board_.micros(), fault_blinks(board_.info(), loader_.state()));
  const bool paused = board_.micros() - last_input_us_ > kTypingPauseUs;
  if (greeted_ && connected && editor_.typing() && paused && editor_.line().size() != asked_size_) {
    editor_.ask_columns();
    asked_size_ = editor_.line().size();
  }
  console_.idle();
}

/// Detects a port that echoes (Linux's default mode): it sends back the banner, and every story, as input.
bool Application::is_echo_of_banner(std::string_view line) {
  if (ignoring_echo_) return true;
  TextOf<96> banner;
  append_identity(banner, board_.info());
  if (line != banner.view()) return false;
  output_.error("this port echoes the board's output; echoes are ignored. Run: stty -F PORT raw -echo");
  return ignoring_echo_ = true;
}

void Application::stop_ignoring_echo() {
  if (!ignoring_echo_) return;
  ignoring_echo_ = false;
  prompt();
}

void Application::prompt() {
  editor_.set_echo(!output_.json() && !ignoring_echo_);
  editor_.begin(kPrompt);
  asked_size_ = 0;
}

void Application::handle_line(std::span<char> typed) {
  const std::string_view line(typed.data(), typed.size());
  if (is_echo_of_banner(line)) return;
  if (line.starts_with("//"))
    return tell(Beginning::kPrompt, line.substr(1));  // a story that begins with a slash
  if (line.starts_with('/')) return Commands::run(*this, typed.subspan(1));
  tell(Beginning::kPrompt, line);
}

void Application::tell(Beginning beginning, std::string_view text) {
  if (loader_.state() != ModelState::kReady) return say_why_no_story();
  output_.begin_story(editor_.columns());
  StoryStats stats;
  const Status status = storyteller_.tell(loader_.session(), beginning, text, settings_, stats);
  if (!status.ok()) {
    char why[160];
    status.format(why, sizeof why);
    return output_.error(why);
  }
  // The press that ends a story is not the one that begins the next.
  if (stats.stop == StopReason::kCancelled && board_.button_pressed()) button_down_ = true;
  report(stats);
}

/// Not inlined, so that its text is not on the stack during the story.
[[gnu::noinline]] void Application::report(const StoryStats& stats) {
  TextOf<320> text;
  if (output_.json()) {
    append_stats_json(text, stats);
    output_.raw(text.view());
    output_.end_line();
  } else {
    append_stats(text, stats);
    output_.line(text);
  }
  if (const unsigned lost = console_.take_lost_input(); lost != 0) {
    text.clear();
    text << lost
         << " bytes typed during the story found no room and were dropped; wait for the prompt before "
            "sending more";
    output_.error(text);
  }
}

void Application::say_why_no_story() { report_model(output_, board_, loader_); }

/// True once per press, when it has outlasted bouncing.
bool Application::button_clicked() {
  const bool pressed = board_.button_pressed();
  const uint64_t now = board_.micros();
  if (!pressed) {
    button_since_us_ = 0;
    button_down_ = false;
    return false;
  }
  if (button_since_us_ == 0) button_since_us_ = now;
  if (button_down_ || now - button_since_us_ < kDebounceUs) return false;
  return button_down_ = true;
}

}  // namespace pico_llama::app
