#include "engine/session.h"

#include <cstring>

#include "engine/check.h"

namespace pico_llama {
bool Session::cancelled() const {
  return options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed);
}

SessionStep Session::finish(StopReason reason, int32_t token) {
  stopped_ = reason;
  SessionStep step;
  step.token = token;
  step.stop = reason;
  // Nothing can follow what was held back, so it is shown, but for the stop string itself.
  size_t n = 0;
  for (int i = 0; i < held_count_; ++i) text_[n++] = held_[i];
  for (const char c : utf8_.rest()) text_[n++] = c;
  held_count_ = 0;
  utf8_.clear();
  step.text = {text_.data(), n};
  return step;
}

bool Session::add_text(std::string_view bytes, bool from_prompt, SessionStep& step) {
  size_t n = 0;
  for (int i = 0; i < held_count_; ++i) text_[n++] = held_[i];
  held_count_ = 0;
  n += utf8_.push(bytes, text_.data() + n);
  std::string_view shown(text_.data(), n);
  if (!from_prompt && !options_.stop.empty()) {
    if (const size_t at = shown.find(options_.stop); at != std::string_view::npos) {
      step.text = {shown.data(), at};
      return true;
    }
    // Hold back the longest end that begins the stop string.
    size_t hold = options_.stop.size() - 1 < n ? options_.stop.size() - 1 : n;
    while (hold > 0 && std::memcmp(shown.data() + n - hold, options_.stop.data(), hold) != 0) --hold;
    std::memcpy(held_, text_.data() + n - hold, hold);
    held_count_ = static_cast<int>(hold);
    shown.remove_suffix(hold);
  }
  step.text = shown;
  return false;
}

SessionStep Session::step() {
  if (stopped_ != StopReason::kNone) return {-1, false, {}, stopped_};
  if (cancelled()) return finish(StopReason::kCancelled, -1);
  if (pos_ >= steps_) return finish(StopReason::kSteps, -1);

  SessionStep step;
  const auto at = static_cast<size_t>(pos_);
  if (pos_ + 1 < prompt_count_) {
    step.token = tokens_[at + 1];
    step.from_prompt = true;
  } else {
    if (prefilled_ < prompt_count_) {
      while (prefilled_ < prompt_count_) {
        const int left = prompt_count_ - prefilled_;
        const int n = left < kPrefillBlock ? left : kPrefillBlock;
        transformer_.forward(tokens_.subspan(static_cast<size_t>(prefilled_), static_cast<size_t>(n)),
                             prefilled_, n == left);
        prefilled_ += n;
        if (cancelled()) return finish(StopReason::kCancelled, -1);
      }
    } else {
      transformer_.forward(tokens_.subspan(at, 1), pos_);
    }
    step.token = sampler_.sample(transformer_.logits(), tokens_.first(at + 1), transformer_.workers());
    tokens_[at + 1] = step.token;
    ++generated_;
  }
  const int32_t previous = tokens_[at];
  ++pos_;
  if (step.token == kTokenBos) return finish(StopReason::kBos, kTokenBos);
  if (add_text(tokenizer_.decode(previous, step.token), step.from_prompt, step)) {
    stopped_ = StopReason::kStopString;
    step.stop = stopped_;
  }
  return step;
}

}  // namespace pico_llama
