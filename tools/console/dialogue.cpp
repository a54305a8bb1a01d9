#include "tools/console/dialogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/support/failure.h"

namespace pico_llama::console {
namespace {

using Clock = std::chrono::steady_clock;
constexpr char kCtrlC = 0x03;
// Maximum silence after Ctrl-C: one token, or the answer to one command.
constexpr std::chrono::seconds kEndPatience{5};

}  // namespace

Dialogue::Dialogue(SerialLine& line, std::chrono::milliseconds patience, const std::atomic<bool>& cancelled)
    : line_(line), patience_(patience), cancelled_(cancelled) {
  // Ctrl-C stops a story or discards a partly typed line.
  line_.write(std::string(1, kCtrlC) + "/json on\r");
  while (next_line() != R"({"message":"json on"})") {
  }
  answered_ = true;
}

Dialogue::~Dialogue() {
  if (abandoned_) return;
  try {
    line_.write(std::string(1, kCtrlC));
    for (const auto& [command, value] : changed_) ask(fmt::format("/{} {}", command, value));
    line_.write("/json off\r");
    // Wait for the answer: closing the port discards unsent output.
    while (next_line().find("json off") == std::string::npos) {
    }
  } catch (...) {
    // The board was disconnected: nothing to restore.
  }
}

std::string Dialogue::next_line() {
  for (auto deadline = Clock::now() + patience_;;) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line;
    }
    if (cancelled_ && !answered_) fail("ended before the board answered");
    if ((cancelled_ || (story_cancelled_ && story_cancelled_())) && !stopped_) {
      stopped_ = true;
      line_.write(std::string(1, kCtrlC));
      deadline = std::min(deadline, Clock::now() + kEndPatience);
    }
    const std::string more = line_.read(std::chrono::milliseconds(100));
    buffer_ += more;
    if (!more.empty()) deadline = Clock::now() + (stopped_ ? kEndPatience : patience_);
    if (Clock::now() > deadline)
      fail("the board has said nothing for {} s; is this its port, and does it run pico-llama?",
           std::chrono::duration_cast<std::chrono::seconds>(patience_).count());
  }
}

void Dialogue::set(const std::string& command, const std::string& value) {
  // "temperature 0.8", "seed random for each story", "steps 0 (the whole context)": the second word; after
  // "(default)" that word.
  std::string before = ask("/" + command);
  if (before.ends_with(" (default)")) before = "- default";
  const std::size_t begin = std::min(before.find(' '), before.size() - 1) + 1;
  changed_.push_back({command, before.substr(begin, before.find(' ', begin) - begin)});
  ask("/" + command + " " + value);
}

std::string line_for(std::string_view prompt) {
  const bool plain = std::none_of(prompt.begin(), prompt.end(),
                                  [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  if (plain) return (prompt.starts_with('/') ? "/" : "") + std::string(prompt);
  return "/tell " + nlohmann::json(prompt).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json Dialogue::next_object(std::string& line) {
  while (true) {
    line = next_line();
    nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) continue;  // leftover of earlier output
    if (object.contains("error"))
      throw BoardRefuses(fmt::format("the board says: {}", object["error"].get<std::string>()));
    return object;
  }
}

void Dialogue::tell(std::string_view prompt,
                    const std::function<void(const std::string& line, const nlohmann::json& object)>& on_line,
                    const std::function<bool()>& cancelled) {
  story_cancelled_ = cancelled;
  stopped_ = false;
  line_.write(line_for(prompt) + "\r");
  for (bool ended = false; !ended;) {
    std::string line;
    const nlohmann::json object = next_object(line);
    on_line(line, object);
    ended = object.contains("stop");
  }
  story_cancelled_ = {};
}

std::string Dialogue::ask(std::string_view command) {
  line_.write(std::string(command) + "\r");
  while (true) {
    std::string line;
    const nlohmann::json object = next_object(line);
    if (object.contains("message")) return object["message"].get<std::string>();
  }
}

std::string Dialogue::model_name() {
  // /model answers with a number of lines that depends on the model.
  const std::string last = R"({"message":"json on"})";
  line_.write("/model\r/json on\r");
  std::string name;
  for (std::string line; (line = next_line()) != last;) {
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("message")) continue;
    const auto message = object["message"].get<std::string>();
    constexpr std::string_view kName = "name    ";
    if (message.starts_with(kName)) name = message.substr(kName.size());
  }
  return name;
}

}  // namespace pico_llama::console
