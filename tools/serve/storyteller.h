#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "formats/failure.h"

namespace pico_llama::serve {

/// There is no board or it stopped answering; the same request may succeed later (HTTP 503).
class Unavailable : public Failure {
 public:
  using Failure::Failure;
};

/// The request cannot be served by this model, now or later: a prompt beyond its context, say (HTTP 400).
class Refused : public Failure {
 public:
  using Failure::Failure;
};

struct StoryRequest {
  std::string prompt;                 ///< UTF-8; may be empty
  std::optional<double> temperature;  ///< by default the model's
  double topp = 0.9;
  std::uint64_t seed = 1;     ///< not 0
  bool use_template = false;  ///< the model's
};

struct StoryEnd {
  bool ended = false;  ///< by the model's end token; otherwise the context was full or on_text said stop
  int prompt_tokens = 0;
  double tokens_per_second = 0;  ///< generation, by the clock of whatever ran the model
};

/// Gets the text of each generated token, possibly empty, without the prompt's. `is_token` is false for text
/// that belongs to no further token: what an end token finds incomplete. False: end the story.
using OnText = std::function<bool(std::string_view text, bool is_token)>;

/// What generates: a board, the virtual board, or this PC. Used by one thread at a time.
class Storyteller {
 public:
  virtual ~Storyteller() = default;
  /// As `/v1/models` names it. Any thread may ask.
  virtual std::string model() const = 0;
  /// Whether a story could start now; connects or restarts where that is needed.
  /// Errors: Unavailable, with what to do.
  virtual void check() = 0;
  /// Generates one story, which ends when `on_text` returns false, and soon after `cancelled` is set.
  /// Errors: Unavailable, Refused.
  virtual StoryEnd tell(const StoryRequest& request, const OnText& on_text,
                        const std::atomic<bool>& cancelled) = 0;
};

}  // namespace pico_llama::serve
