#include "tools/story.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "tools/packer/packer.h"
#include "tools/support/failure.h"
#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

std::vector<std::int32_t> encode_text(const Tokenizer& tokenizer, std::string_view text,
                                      const std::string& name) {
  std::vector<std::int32_t> tokens(text.size() + 2);  // BOS, the dummy space, at worst a token a byte
  std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(text.size()));
  const Result<int> encoded = tokenizer.encode(text, tokens, scratch);
  if (!encoded.ok()) fail("{}: {}", name, text_of(encoded.status()));
  tokens.resize(static_cast<std::size_t>(encoded.value()));
  return tokens;
}

Story tell_story(const ModelImage& image, std::string_view prompt, const SessionOptions& options, int threads,
                 const OnText& on_text) {
  const int context = image.config().seq_len;
  ThreadWorkers workers(threads);
  packer::ImageBytes memory(value_or_fail(Session::bytes_needed(image, context, threads)));
  Session session = value_or_fail(Session::create(image, context, memory, workers));
  Story story;
  story.steps = options.endless ? options.steps : clamp_steps(options.steps, context);
  SessionOptions clamped = options;
  clamped.steps = story.steps;
  if (const Status status = session.begin(prompt, clamped); !status.ok()) fail("{}", text_of(status));

  const auto prompt_tokens = session.prompt_tokens();
  story.prompt_tokens.assign(prompt_tokens.begin(), prompt_tokens.end());
  const auto begin = Clock::now();
  auto prefilled = begin;
  for (StopReason stop = StopReason::kNone; stop == StopReason::kNone;) {
    const SessionStep step = session.step();
    stop = step.stop;
    // The first token after the prompt costs the whole prompt; what comes later is generation.
    if (session.generated() <= 1) {
      prefilled = Clock::now();
      story.prefilled = session.prefilled();
    }
    if (step.token >= 0) story.tokens.push_back(step.token);
    if (!step.text.empty()) {
      story.text += step.text;
      if (on_text) on_text(step.text);
    }
    story.cancelled = stop == StopReason::kCancelled;
  }
  story.generated = std::max(0, session.generated() - 1);
  story.prefill_seconds = seconds_between(begin, prefilled);
  story.generation_seconds = story.generated > 0 ? seconds_between(prefilled, Clock::now()) : 0;
  return story;
}

}  // namespace pico_llama
