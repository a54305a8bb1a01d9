#include "tools/serve/board_storyteller.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace pico_llama::serve {
namespace {

/// A console line holds 1023 bytes (docs/console.md).
constexpr std::size_t kLineBytes = 1023;

}  // namespace

BoardStoryteller::BoardStoryteller(std::string port, std::chrono::milliseconds patience)
    : port_(std::move(port)), patience_(patience) {}

BoardStoryteller::BoardStoryteller(std::vector<std::string> images, std::chrono::milliseconds patience)
    : images_(std::move(images)), patience_(patience) {}

void BoardStoryteller::connect() {
  if (dialogue_) return;
  if (!images_.empty() && !virtual_board_) virtual_board_.emplace(images_);
  line_.emplace(virtual_board_ ? virtual_board_->port() : port_.empty() ? console::find_board() : port_);
  dialogue_.emplace(*line_, patience_, never_);
  const std::string name = dialogue_->model_name();
  const std::lock_guard lock(mutex_);
  name_ = name.empty() ? "pico-llama" : name;
}

std::string BoardStoryteller::model() const {
  const std::lock_guard lock(mutex_);
  return name_;
}

void BoardStoryteller::disconnect() {
  if (dialogue_) dialogue_->abandon();
  dialogue_.reset();
  line_.reset();
  virtual_board_.reset();
}

void BoardStoryteller::check() {
  try {
    connect();
    line_->check();
  } catch (const Failure& failure) {
    disconnect();
    throw Unavailable(failure.what());
  }
}

StoryEnd BoardStoryteller::tell(const StoryRequest& request, const OnText& on_text,
                                const std::atomic<bool>& cancelled) {
  if (const std::size_t bytes = console::line_for(request.prompt).size(); bytes > kLineBytes)
    throw Refused(
        fmt::format("the prompt is a console line of {} bytes, and the board takes {}", bytes, kLineBytes));
  check();
  StoryEnd end;
  try {
    // In the notation that the console reads: no exponent.
    for (const std::string& setting :
         {request.temperature ? fmt::format("/temp {:.6f}", *request.temperature) : "/temp default",
          std::string(request.use_template ? "/template on" : "/template off"),
          fmt::format("/topp {:.6f}", request.topp), fmt::format("/seed {}", request.seed),
          std::string("/steps 0"), std::string("/topk 0"), std::string("/minp 0"), std::string("/penalty 1"),
          std::string("/stop off"), std::string("/endless off")})
      dialogue_->ask(setting);
    bool stop = false;
    // Tokens without text wait: the end token is one, and is not counted.
    int without_text = 0;
    const auto deliver = [&](std::string_view text) {
      bool more = true;
      for (; without_text > 0 && more; --without_text) more = on_text({}, true);
      return more && on_text(text, true);
    };
    const auto on_line = [&](const std::string&, const nlohmann::json& object) {
      if (object.contains("stop")) {
        end.ended = object["stop"] == "end";
        end.prompt_tokens = object.value("prompt_tokens", 0);
        end.tokens_per_second = object.value("tokens_per_second", 0.0);
        if (end.ended) without_text = std::max(0, without_text - 1);
        for (; without_text > 0 && !stop; --without_text) stop = !on_text({}, true);
      } else if (object.contains("token") && !object.contains("prompt") && !stop) {
        const std::string text = object.value("text", std::string());
        if (text.empty())
          ++without_text;
        else
          stop = !deliver(text);
      }
    };
    dialogue_->tell(request.prompt, on_line, [&] { return stop || cancelled; });
  } catch (const console::BoardRefuses& refusal) {
    throw Refused(refusal.what());
  } catch (const Failure& failure) {
    disconnect();
    throw Unavailable(failure.what());
  }
  return end;
}

}  // namespace pico_llama::serve
