#include "firmware/app/storyteller.h"

#include "firmware/app/report.h"

namespace pico_llama::app {
namespace {

uint64_t millitokens_per_second(int tokens, uint64_t us) {
  return us == 0 || tokens <= 0 ? 0 : static_cast<uint64_t>(tokens) * 1'000'000'000u / us;
}

/// Watches for Ctrl-C during its lifetime.
class Watch {
 public:
  explicit Watch(hal::Console& console) : console_(console) { console_.watch_for_cancel(true); }
  ~Watch() { console_.watch_for_cancel(false); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  hal::Console& console_;
};

}  // namespace

uint64_t StoryStats::generate_millitokens_per_second() const {
  // The first generated token's time belongs to the prefill that made it.
  return millitokens_per_second(generated_tokens - 1, generate_us);
}

uint64_t StoryStats::prefill_millitokens_per_second() const {
  return millitokens_per_second(prefilled, first_token_us);
}

std::string_view name_of(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      return "none";
    case StopReason::kEnd:
      return "end";
    case StopReason::kSteps:
      return "steps";
    case StopReason::kStopString:
      return "stop_string";
    case StopReason::kCancelled:
      return "cancelled";
  }
  return "none";
}

void append_stats(Text& text, const StoryStats& stats) {
  text << "[" << stats.generated_tokens << " tokens";
  if (const uint64_t rate = stats.generate_millitokens_per_second(); rate != 0) {
    text << ", ";
    text.fixed(static_cast<int64_t>(rate / 100), 1) << " tok/s";
  }
  text << "; prefill " << stats.prompt_tokens;
  if (const uint64_t rate = stats.prefill_millitokens_per_second(); rate != 0) {
    text << " at ";
    text.fixed(static_cast<int64_t>(rate / 100), 1);
  }
  text << ", ";
  text.fixed(static_cast<int64_t>(stats.first_token_us / 100), 1) << " ms";
  if (stats.drafted != 0) {
    text << "; ";
    append_guesses(text, stats.generated_tokens, stats.passes, stats.accepted, stats.drafted);
  }
  if (stats.refills != 0) {
    text << "; refilled " << stats.refills << " times, in up to ";
    text.fixed(static_cast<int64_t>(stats.pause_us / 100), 1) << " ms";
  }
  if (stats.cores == 1) text << "; 1 core";
  if (stats.stop == StopReason::kCancelled) text << "; stopped";
  if (!stats.greedy) {
    text << "; seed ";
    text.unsigned_number(stats.seed);
  }
  text << "]";
}

void append_stats_json(Text& text, const StoryStats& stats) {
  text << "{\"stop\":\"" << name_of(stats.stop) << "\",\"tokens\":" << stats.generated_tokens
       << ",\"prompt_tokens\":" << stats.prompt_tokens << ",\"tokens_per_second\":";
  text.fixed(static_cast<int64_t>(stats.generate_millitokens_per_second()), 3)
      << ",\"prefill_tokens_per_second\":";
  text.fixed(static_cast<int64_t>(stats.prefill_millitokens_per_second()), 3) << ",\"first_token_ms\":";
  text.fixed(static_cast<int64_t>(stats.first_token_us), 3)
      << ",\"passes\":" << stats.passes << ",\"drafted\":" << stats.drafted
      << ",\"accepted\":" << stats.accepted << ",\"cores\":" << stats.cores;
  if (stats.refills != 0) {
    text << ",\"refills\":" << stats.refills << ",\"longest_pause_ms\":";
    text.fixed(static_cast<int64_t>(stats.pause_us), 3);
  }
  text << ",\"seed\":";
  // A program that reads numbers as binary64 would round a larger one.
  const bool exact = stats.seed < (uint64_t{1} << 53);
  if (!exact) text << '"';
  text.unsigned_number(stats.seed);
  if (!exact) text << '"';
  text << "}";
}

Status Storyteller::begin(Session& session, Beginning beginning, std::string_view text,
                          SessionOptions options) {
  if (beginning == Beginning::kAgain) return session.again(options);
  return beginning == Beginning::kContinue ? session.resume(text, options) : session.begin(text, options);
}

Status Storyteller::tell(Session& session, Beginning beginning, std::string_view text,
                         const Settings& settings, StoryStats& stats) {
  stats = {};
  // 32 bits of its own: JSON readers that keep numbers as doubles round those beyond 2^53.
  stats.seed = settings.fixed_seed && beginning == Beginning::kPrompt
                   ? settings.seed
                   : static_cast<uint32_t>(board_.entropy());
  if (beginning >= Beginning::kAgain) stats.seed = session.options().sampler.seed;
  if (stats.seed == 0) stats.seed = 1;  // xorshift's fixed point
  stats.greedy = settings.temperature == 0.0f;
  stats.cores = settings.cores;

  std::atomic<bool> cancel = false;
  SessionOptions options = settings.session(stats.seed);
  options.cancel = &cancel;

  const uint64_t start_us = board_.micros();
  if (const Status status = begin(session, beginning, text, options); !status.ok()) return status;
  stats.prompt_tokens = session.given();
  stats.prefilled = beginning == Beginning::kAgain ? 0 : stats.prompt_tokens;
  const Watch watch(console_);
  button_was_released_ = false;
  uint64_t first_us = 0;
  uint64_t last_us = start_us;
  for (;;) {
    const SessionStep step = session.step();
    const uint64_t now_us = board_.micros();
    if (step.token >= 0 && !step.from_prompt) {
      if (stats.refills != session.refills()) {
        stats.refills = session.refills();
        const uint64_t pause_us = now_us - last_us;
        if (pause_us > stats.pause_us) stats.pause_us = pause_us;
        show_pause(session, pause_us);
      }
      last_us = now_us;
      if (stats.generated_tokens++ == 0) first_us = last_us;
    }
    show(step);
    // The next step prefills the prompt: flush now, so that the echo is visible meanwhile.
    if (step.from_prompt && session.given_is_over()) console_.flush();
    if (step.stop != StopReason::kNone) {
      stats.stop = step.stop;
      break;
    }
    led_.breathe(now_us);
    if (stop_wanted()) cancel.store(true, std::memory_order_relaxed);
  }
  stats.passes = session.passes();
  stats.drafted = session.drafted();
  stats.accepted = session.accepted();
  if (first_us != 0) {
    stats.first_token_us = first_us - start_us;
    stats.generate_us = last_us - first_us;
  }
  if (!output_.json()) output_.end_line();
  return {};
}

/// `session`: one token after a refill.
void Storyteller::show_pause(const Session& session, uint64_t us) {
  if (!output_.json()) return;
  TextOf<64> line;
  line << "{\"refilled\":" << session.known() - 1 << ",\"pause_ms\":";
  line.fixed(static_cast<int64_t>(us), 3) << "}\r\n";
  output_.raw(line.view());
}

void Storyteller::show(const SessionStep& step) {
  if (!output_.json()) {
    output_.story(step.text);
    return;
  }
  if (step.token < 0 && step.text.empty()) return;
  TextOf<512> line;
  line << "{\"token\":" << step.token << (step.from_prompt ? ",\"prompt\":true" : "") << ",\"text\":\"";
  line.json(step.text) << "\"}\r\n";
  output_.raw(line.view());
}

bool Storyteller::stop_wanted() {
  if (console_.cancelled()) return true;
  const bool pressed = board_.button_pressed();
  // The press that began the story is not the one that ends it.
  if (!pressed) button_was_released_ = true;
  return pressed && button_was_released_;
}

}  // namespace pico_llama::app
