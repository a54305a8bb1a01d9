#include "firmware/app/application.h"

#include "firmware/app/commands.h"
#include "firmware/app/report.h"

namespace pico_llama::app {
namespace {

constexpr std::string_view kPrompt = "> ";
/// A contact has settled after this long.
constexpr uint64_t kDebounceUs = 20'000;

}  // namespace

void Application::load_model() {
  loader_.load(&single_, both_);
  settings_.cores = loader_.cores();
}

bool Application::step() {
  const bool connected = console_.connected();
  if (connected && !greeted_) greet();
  greeted_ = connected;

  if (button_clicked()) {
    if (connected && !output_.json()) output_.end_line();
    tell({}, true);
    if (connected) prompt();
    return true;
  }
  const int byte = console_.read();
  if (byte < 0) {
    console_.idle();
    return false;
  }
  switch (editor_.feed(static_cast<char>(byte))) {
    case LineEditor::Event::kNone:
      return true;
    case LineEditor::Event::kLine:
      handle_line(editor_.line());
      break;
    case LineEditor::Event::kAbandoned:
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
  if (!output_.json()) {
    report_board(output_, board_);
    report_model(output_, board_, loader_);
    output_.line(
        "Type how a story begins, Enter alone for a surprise, /help for commands. Ctrl-C stops a story.");
  }
  prompt();
}

void Application::prompt() {
  editor_.set_echo(!output_.json());
  editor_.begin(kPrompt);
}

void Application::handle_line(std::string_view line) {
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  if (line.starts_with("//")) return tell(line.substr(1), false);  // a story that begins with a slash
  if (line.starts_with('/')) return Commands::run(*this, line.substr(1));
  tell(line, false);
}

void Application::tell(std::string_view prompt, bool surprise) {
  if (loader_.state() != ModelState::kReady) return say_why_no_story();
  Settings settings = settings_;
  if (surprise) settings.fixed_seed = false;
  StoryStats stats;
  const Status status = storyteller_.tell(loader_.session(), prompt, settings, stats);
  if (!status.ok()) {
    char text[160];
    status.format(text, sizeof text);
    return output_.error(text);
  }
  ++stories_;
  TextOf<256> text;
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

/// A press that lasted, reported once, when it began.
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
