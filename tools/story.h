#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session.h"
#include "engine/text/tokenizer.h"
#include "formats/failure.h"

namespace pico_llama {

/// The result of one run.
struct Story {
  std::vector<std::int32_t> prompt_tokens;  ///< BOS first
  std::vector<std::int32_t>
      tokens;  ///< each after the first: the prompt's, then the model's, with a final BOS
  std::string text;
  int steps = 0;      ///< after clamping to the context
  int prefilled = 0;  ///< positions run for the prompt; the last of them brings the first new token
  int generated = 0;  ///< positions run after it, each bringing one more
  double prefill_seconds = 0;
  double generation_seconds = 0;
  bool cancelled = false;

  /// 0 where nothing was measured.
  double prefill_tokens_per_second() const { return prefill_seconds > 0 ? prefilled / prefill_seconds : 0; }
  double tokens_per_second() const { return generation_seconds > 0 ? generated / generation_seconds : 0; }
};

/// Called with each piece of text as it becomes whole.
using OnText = std::function<void(std::string_view)>;

/// Number of positions to run: like llama2.c, 0, negative or too large mean the whole context.
constexpr int clamp_steps(int steps, int context) { return steps <= 0 || steps > context ? context : steps; }

/// The value of what the engine returned. Errors: Failure with its status.
template <typename T>
T value_or_fail(Result<T> result) {
  if (!result.ok()) fail("{}", text_of(result.status()));
  return std::move(result.value());
}

/// BOS and the tokens of a text of any length; `name` stands for it in messages.
/// Errors: Failure for a text that is not UTF-8.
std::vector<std::int32_t> encode_text(const Tokenizer& tokenizer, std::string_view text,
                                      const std::string& name);

/// Runs the engine. Errors: Failure for a prompt that is not UTF-8 or too long, and for too little memory.
Story tell_story(const ModelImage& image, std::string_view prompt, const SessionOptions& options, int threads,
                 const OnText& on_text);

}  // namespace pico_llama
