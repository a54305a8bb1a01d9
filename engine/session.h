// Turns a prompt into a stream of tokens and text.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/drafts/drafter.h"
#include "engine/forward/transformer.h"
#include "engine/model/model_image.h"
#include "engine/sampling/sampler.h"
#include "engine/status.h"
#include "engine/text/tokenizer.h"
#include "engine/text/utf8.h"
#include "engine/workers.h"

namespace pico_llama {

/// Longest stop string.
inline constexpr size_t kMaxStopBytes = 32;

struct SessionOptions {
  SamplerOptions sampler{};
  /// Maximum number of positions, prompt included, like llama2.c's -n. 0, or more than the context: the whole
  /// context.
  int32_t steps = 256;
  /// Generation stops before this text appears in the output; empty: off. The prompt is not searched.
  std::string_view stop{};
  /// Set to true from another context to end the session with StopReason::kCancelled within one forward().
  /// May be null.
  const std::atomic<bool>* cancel = nullptr;
};

enum class StopReason : uint8_t {
  kNone,   ///< still running
  kBos,    ///< the model ended its text
  kSteps,  ///< options.steps positions, or the context is full
  kStopString,
  kCancelled,
};

/// Result of one step(): a token, except at the end, and the text that may be shown now.
struct SessionStep {
  int32_t token = -1;                   ///< -1: this step has only held-back text, or nothing
  bool from_prompt = false;             ///< an echo of the prompt, as llama2.c prints it
  std::string_view text{};              ///< whole UTF-8 characters; valid until the next step()
  StopReason stop = StopReason::kNone;  ///< not kNone: the session has ended
};

class Session {
 public:
  Session() = default;

  /// Bytes of memory for one session, whatever their alignment. most_logits: tokens that one pass generates
  /// at most, 1 to kPrefillBlock: with more than 1 the session guesses tokens ahead
  /// (engine/drafts/drafter.h), which changes its speed and nothing else.
  static Result<size_t> bytes_needed(const ModelImage& image, int context, int worker_count = 1,
                                     int most_logits = 1);
  /// The same without the key/value cache (kv_cache_bytes() in transformer.h).
  static Result<size_t> bytes_needed_beside_cache(const ModelImage& image, int context, int worker_count = 1,
                                                  int most_logits = 1);

  /// Requires: image, memory and workers outlive the session.
  /// Errors: as Transformer::create().
  static Result<Session> create(const ModelImage& image, int context, std::span<std::byte> memory,
                                Workers& workers) {
    return create(image, context, memory, {}, workers);
  }
  /// The same with the key/value cache in a memory of its own.
  static Result<Session> create(const ModelImage& image, int context, std::span<std::byte> memory,
                                std::span<std::byte> cache, Workers& workers);
  /// The same in place, for stacks that hold no second session. An error leaves the session as it was.
  Status open(const ModelImage& image, int context, std::span<std::byte> memory, std::span<std::byte> cache,
              Workers& workers, int most_logits = 1);
  /// What a pass costs here, which decides how many guesses are worth their place in it. By default further
  /// tokens cost nothing. From the next text on.
  void set_pass_cost(const PassCost& cost) {
    if (drafter_ != nullptr) drafter_->set_cost(cost);
  }

  /// Starts a new text: encodes the prompt and forgets the last text.
  /// Errors: kInvalidArgument (options, bad UTF-8), kPromptTooLong.
  Status begin(std::string_view prompt, const SessionOptions& options);

  /// The next token. Prompt tokens are returned first, without computation; the following step prefills the
  /// prompt in blocks of kPrefillBlock. The token that ends the text (BOS) is returned with stop = kBos.
  SessionStep step();

  /// Tokens of the prompt, BOS first.
  std::span<const int32_t> prompt_tokens() const { return tokens_.first(static_cast<size_t>(prompt_count_)); }
  /// Positions run so far by prefill (the prompt's) and by generation.
  int prefilled() const { return ran_ < prompt_count_ ? ran_ : prompt_count_; }
  int generated() const { return generated_; }
  /// Passes that generated tokens; guesses that they checked, and those that the model chose too.
  int passes() const { return passes_; }
  int drafted() const { return drafted_; }
  int accepted() const { return accepted_; }

  Transformer& transformer() { return transformer_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  bool cancelled() const;
  /// Runs what is known of the text and has not run, with guesses behind it: logits for position pos_. False:
  /// cancelled.
  bool run();
  int guess(int n);
  void check_guess(int32_t token);
  SessionStep finish(StopReason reason, int32_t token);
  /// Text of a token, through UTF-8 assembly and (generated text only) the stop string. True: the stop string
  /// came.
  bool add_text(std::string_view bytes, bool from_prompt, SessionStep& step);

  Transformer transformer_{};
  Tokenizer tokenizer_{};
  Sampler sampler_{};
  SessionOptions options_{};
  Utf8Stream utf8_{};
  Drafter* drafter_ = nullptr;   ///< null: one token a pass
  std::span<int32_t> tokens_{};  ///< (context + 1) the text so far, then guesses
  std::span<char> text_{};       ///< room for one step's text
  char stop_[kMaxStopBytes] = {};
  char held_[kMaxStopBytes] = {};  ///< shown text that may still turn out to be the stop string's beginning
  int held_count_ = 0;
  int prompt_count_ = 0;
  int pos_ = 0;  ///< position of the next token to process
  int steps_ = 0;
  int ran_ = 0;           ///< positions that have run with the tokens that the text has there
  int first_logits_ = 0;  ///< position of the first row of logits
  int generated_ = 0;
  int passes_ = 0;
  int drafted_ = 0;
  int accepted_ = 0;
  StopReason stopped_ = StopReason::kSteps;
};

}  // namespace pico_llama
