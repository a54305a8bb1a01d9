/// One story: from a prompt to the last token, streamed, timed and stopped.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/session.h"
#include "firmware/app/output.h"
#include "firmware/app/settings.h"
#include "firmware/app/status_led.h"
#include "hal/board.h"

namespace pico_llama::app {

struct StoryStats {
  int prompt_tokens = 0;  ///< BOS included; of a continued story: its words'
  int prefilled = 0;      ///< of them, those that were not in the cache
  int generated_tokens = 0;
  int passes = 0;               ///< over the weights, for the generated tokens
  int drafted = 0;              ///< guesses that they checked
  int accepted = 0;             ///< of them, those that the model chose too
  uint64_t first_token_us = 0;  ///< from Enter to the first token that is not the prompt's
  uint64_t generate_us = 0;     ///< from that token to the last
  int refills = 0;              ///< of an endless story: how often its end was prefilled again
  uint64_t pause_us = 0;        ///< the longest, from a token before a refill to the one after it
  StopReason stop = StopReason::kNone;
  uint64_t seed = 0;
  bool greedy = false;  ///< temperature 0: the seed is not used
  int cores = 1;

  /// Thousandths of a token per second; 0 if nothing was timed.
  uint64_t generate_millitokens_per_second() const;
  uint64_t prefill_millitokens_per_second() const;
};

/// The line after a story.
void append_stats(Text& text, const StoryStats& stats);
/// The same as the JSON object that ends a story.
void append_stats_json(Text& text, const StoryStats& stats);
/// "end", "steps", "cancelled", ...: the values of "stop" in JSON.
std::string_view name_of(StopReason reason);

/// How a story begins.
enum class Beginning : uint8_t {
  kPrompt,
  kOwnSeed,   ///< a prompt, and a seed of its own whatever the settings say
  kAgain,     ///< the last story's prompt and seed
  kContinue,  ///< where the last story stopped, behind further words
};

class Storyteller {
 public:
  Storyteller(hal::Board& board, hal::Console& console, Output& output, StatusLed& led)
      : board_(board), console_(console), output_(output), led_(led) {}

  /// Streams one story. Ctrl-C or the button end it after the token in progress. `text`: prompt or words.
  /// Errors: those of Session's begin(), again() and resume(); nothing has been shown then.
  Status tell(Session& session, Beginning beginning, std::string_view text, const Settings& settings,
              StoryStats& stats);

 private:
  Status begin(Session& session, Beginning beginning, std::string_view text, SessionOptions options);
  void show_pause(const Session& session, uint64_t us);
  void show(const SessionStep& step);
  bool stop_wanted();

  hal::Board& board_;
  hal::Console& console_;
  Output& output_;
  StatusLed& led_;
  bool button_was_released_ = false;
};

}  // namespace pico_llama::app
