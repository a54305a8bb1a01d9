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
  /// Maximum number of positions, prompt included, like llama2.c's -n; of resume() those from there on. 0, or
  /// more than the context: until the context is full. An endless text may have more; 0: 2^31 - 1.
  int32_t steps = 256;
  /// Where the context is full, the text goes on behind its beginning and its last part
  /// (docs/decisions/0020), and where the model ends its text, it begins another: shown as an empty line.
  bool endless = false;
  /// begin() wraps the prompt as the image's template says, if it has one and the prompt is not empty.
  bool use_template = false;
  /// Generation stops before this text appears in the output; empty: off. The prompt is not searched.
  /// Requires: stays where it is as long as steps are taken with it.
  std::string_view stop{};
  /// Set to true from another context to end the session with StopReason::kCancelled within one forward().
  /// May be null.
  const std::atomic<bool>* cancel = nullptr;
};

enum class StopReason : uint8_t {
  kNone,   ///< still running
  kEnd,    ///< the model ended its text, by BOS, or by EOS where the tokenizer has it
  kSteps,  ///< options.steps positions, or the context is full
  kStopString,
  kCancelled,
};

/// Result of one step(): a token, except at the end, and the text that may be shown now.
struct SessionStep {
  int32_t token = -1;  ///< -1: this step has only held-back text, or nothing, as while a prompt is prefilled
  bool from_prompt = false;             ///< an echo of the prompt, as llama2.c prints it
  std::string_view text{};              ///< whole UTF-8 characters; valid until the next step()
  StopReason stop = StopReason::kNone;  ///< not kNone: the session has ended
};

class Session {
 public:
  Session() = default;

  /// Bytes of memory for one session, whatever their alignment. most_logits: tokens that one pass generates
  /// at most, 1 to kPrefillBlock: with more than 1 the session drafts tokens and
  /// verifies them (engine/drafts/drafter.h), which changes its speed and nothing else.
  static Result<size_t> bytes_needed(const ModelImage& image, int context, int worker_count = 1,
                                     int most_logits = 1);
  /// The same without the key/value cache (kv_cache_bytes() in transformer.h).
  static Result<size_t> bytes_needed_without_cache(const ModelImage& image, int context, int worker_count = 1,
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
  /// What a pass costs here, which decides how many drafts are worth their place in it. By default further
  /// tokens cost nothing. From the next text on.
  void set_pass_cost(const PassCost& cost) {
    if (drafter_ != nullptr) drafter_->set_cost(cost);
  }

  /// Starts a new text: encodes the prompt and forgets the last text.
  /// Errors: kInvalidArgument (options, bad UTF-8), kPromptTooLong.
  Status begin(std::string_view prompt, const SessionOptions& options);

  /// Begins the last text again, from its prompt, with other options. What the cache has of the prompt is not
  /// prefilled again.
  /// Errors: kInvalidArgument (options; there is no text, or an endless one has forgotten part of its
  /// prompt).
  Status again(const SessionOptions& options);
  /// Goes on with the last text where it stopped, behind `words`, which are added as they are and take the
  /// place of an end token. The cache is used as it is, and random numbers go on (options.sampler.seed is not
  /// used): without words, and with the same options, the tokens are those of a text that never stopped.
  /// Errors: kInvalidArgument (options, bad UTF-8; there is no text, or it fills the context),
  /// kPromptTooLong; the text can still be resumed.
  Status resume(std::string_view words, const SessionOptions& options);

  /// The next token. Prompt tokens (of resume(): those of its words) are returned first, without computation;
  /// the following steps prefill them, kPrefillBlock a step. The token that ends the text (BOS or EOS) is
  /// returned with stop = kEnd.
  SessionStep step();

  /// Tokens of the prompt, BOS first. Requires: no refills().
  std::span<const int32_t> prompt_tokens() const { return tokens_.first(static_cast<size_t>(prompt_count_)); }
  /// Tokens that the first steps return as given, and BOS. Requires: no step since begin() or resume().
  int given() const {
    const int more = given_end_ - pos_ - 1;
    return pos_ == 0 ? more + 1 : more > 0 ? more : 0;
  }
  /// True where the last step returned the last of them.
  bool given_is_over() const { return pos_ + 1 == given_end_; }
  /// Positions run so far by prefill (the prompt's) and by generation.
  int prefilled() const { return computed_ < prompt_count_ ? computed_ : prompt_count_; }
  int generated() const { return generated_; }
  /// Tokens that the text has now, those that an endless one has forgotten left out.
  int known() const { return pos_ + 1; }
  /// How often an endless text was shortened to its beginning and its last part, which was prefilled again.
  int refills() const { return refills_; }
  /// Forgets the text: there is nothing to tell again or to resume.
  void forget() {
    prompt_count_ = 0;
    stopped_ = StopReason::kSteps;
  }
  /// Options of the last begin(), again() or resume().
  const SessionOptions& options() const { return options_; }
  /// Passes that generated tokens; drafts that they verified, and those that the model chose too.
  int passes() const { return passes_; }
  int drafted() const { return drafted_; }
  int accepted() const { return accepted_; }

  Transformer& transformer() { return transformer_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  bool cancelled() const;
  Status validate(const SessionOptions& options) const;
  Status append(std::string_view words, bool endless);
  std::string_view wrap(std::string_view prompt, std::span<std::byte>& scratch) const;
  void start(const SessionOptions& options);
  void set_limit(int32_t steps);
  void shorten();
  SessionStep reach_limit();
  /// Runs what is known of the text and has not run: a block of it (false), or the last of it, with drafts
  /// behind it: logits for position pos_.
  bool run();
  int draft(int n);
  void verify(int32_t token);
  SessionStep finish(StopReason reason, int32_t token);
  /// Text of a token, through UTF-8 assembly and (generated text only) the stop string. True: the stop string
  /// came.
  bool add_text(std::string_view bytes, bool from_prompt, SessionStep& step);
  void drop_shown(SessionStep& step);

  Transformer transformer_{};
  Tokenizer tokenizer_{};
  Sampler sampler_{};
  SessionOptions options_{};
  Utf8Stream utf8_{};
  std::string_view template_{};    ///< the image's
  Drafter* drafter_ = nullptr;     ///< null: one token a pass
  std::span<int32_t> tokens_{};    ///< (context + 1) the text so far, then drafts
  std::span<char> text_{};         ///< room for one step's text
  char held_[kMaxStopBytes] = {};  ///< text that may still turn out to be the stop string's beginning
  int held_count_ = 0;
  int shown_ = 0;         ///< bytes of held-back text that finish() has shown before the text was resumed
  int prompt_count_ = 0;  ///< tokens of the prompt; of an endless text: that are kept of it
  int given_end_ = 0;     ///< tokens up to the last that was given, in the prompt or in resumed words
  int pos_ = 0;           ///< position of the next token to process
  int limit_ = 0;         ///< position at which the text ends, or the context
  int32_t steps_beyond_limit_ = 0;  ///< of an endless text, after its next refill
  int refills_ = 0;
  bool prompt_is_whole_ = false;  ///< there was a text, and nothing of its prompt was forgotten
  int computed_ = 0;              ///< positions that have run with the tokens that the text has there
  int first_logits_ = 0;          ///< position of the first row of logits
  int generated_ = 0;
  int passes_ = 0;
  int drafted_ = 0;
  int accepted_ = 0;
  StopReason stopped_ = StopReason::kSteps;
};

}  // namespace pico_llama
