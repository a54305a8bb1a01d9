#include "engine/session.h"

#include <cstring>

#include "engine/check.h"

namespace pico_llama {
bool Session::cancelled() const {
  return options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed);
}

bool Session::add_text(std::string_view bytes, bool from_prompt, SessionStep& step) {
  size_t n = 0;
  for (int i = 0; i < held_count_; ++i) text_[n++] = held_[i];
  held_count_ = 0;
  n += utf8_.push(bytes, text_.data() + n);
  std::string_view shown(text_.data(), n);
  if (!from_prompt && !options_.stop.empty()) {
    if (const size_t at = shown.find(options_.stop); at != std::string_view::npos) {
      step.text = shown;
      step.text.remove_suffix(shown.size() - at);
      if (shown_ != 0) drop_shown(step);
      return true;
    }
    // Hold back the longest suffix that is a prefix of the stop string.
    size_t hold = options_.stop.size() - 1 < n ? options_.stop.size() - 1 : n;
    while (hold > 0 && std::memcmp(shown.data() + n - hold, options_.stop.data(), hold) != 0) --hold;
    std::memcpy(held_, text_.data() + n - hold, hold);
    held_count_ = static_cast<int>(hold);
    shown.remove_suffix(hold);
  }
  step.text = shown;
  if (shown_ != 0) drop_shown(step);
  return false;
}

bool Session::run() {
  int n = pos_ + 1 - computed_;
  int logits = 0;
  if (n > kPrefillBlock) {
    // Where the weights are streamed, a pass of few tokens takes the bus as long as one of many: passes of
    // about the same length, a multiple of what kernels take at once.
    const int most = transformer_.prefill_tokens();
    const int unit = transformer_.tokens_together();
    const int passes = (n + most - 1) / most;
    n = (n / passes + unit - 1) / unit * unit;
  } else {
    const int drafts = drafter_ != nullptr ? draft(n) : 0;
    n += drafts;
    logits = 1 + drafts;
    first_logits_ = pos_;
    ++passes_;
  }
  transformer_.forward(tokens_.subspan(static_cast<size_t>(computed_), static_cast<size_t>(n)), computed_,
                       logits);
  computed_ += n;
  return logits != 0;
}

SessionStep Session::step() {
  if (stopped_ != StopReason::kNone) return {-1, false, {}, stopped_};
  if (cancelled()) return finish(StopReason::kCancelled, -1);
  if (pos_ >= limit_) return reach_limit();

  SessionStep step;
  const auto at = static_cast<size_t>(pos_);
  if (pos_ + 1 < given_end_) {
    step.token = tokens_[at + 1];
    step.from_prompt = true;
  } else {
    if (computed_ <= pos_ && !run()) return step;
    step.token = sampler_.sample(transformer_.logits(pos_ - first_logits_), tokens_.first(at + 1),
                                 transformer_.workers());
    if (computed_ > pos_ + 1) verify(step.token);
    tokens_[at + 1] = step.token;
    ++generated_;
  }
  const int32_t previous = tokens_[at];
  ++pos_;
  std::string_view bytes = "\n\n";
  if (!tokenizer_.ends_text(step.token)) {
    bytes = tokenizer_.decode(previous, step.token);
  } else if (!options_.endless) {
    return finish(StopReason::kEnd, step.token);
  }
  if (add_text(bytes, step.from_prompt, step)) {
    stopped_ = StopReason::kStopString;
    step.stop = stopped_;
  }
  return step;
}

// ---- At load, once a story, or once a pass of a model that streams: in flash on the board (cold functions
// are not copied to SRAM).

[[gnu::cold]] SessionStep Session::finish(StopReason reason, int32_t token) {
  stopped_ = reason;
  SessionStep step;
  step.token = token;
  step.stop = reason;
  // Nothing may follow, so held-back text is shown now (but never the stop string itself). It stays held back
  // for a stop string that resume() would complete.
  size_t n = 0;
  for (int i = 0; i < held_count_; ++i) text_[n++] = held_[i];
  for (const char c : utf8_.rest()) text_[n++] = c;
  step.text = {text_.data(), n};
  drop_shown(step);
  shown_ = static_cast<int>(n);
  return step;
}

/// Leaves out of a step's text what finish() has shown already.
[[gnu::cold]] void Session::drop_shown(SessionStep& step) {
  const auto shown = static_cast<size_t>(shown_);
  const size_t again = shown < step.text.size() ? shown : step.text.size();
  step.text.remove_prefix(again);
  shown_ -= static_cast<int>(again);
}

/// The text or the context is full.
[[gnu::cold]] SessionStep Session::reach_limit() {
  if (steps_beyond_limit_ == 0) return finish(StopReason::kSteps, -1);
  shorten();
  const int32_t steps = steps_beyond_limit_;
  steps_beyond_limit_ = 0;
  set_limit(steps);
  return {};
}

namespace {

// What an endless text keeps when the context is full, of its prompt and of its end, in parts of the context
// (docs/decisions/0020).
constexpr int kPartOfPrompt = 8;
constexpr int kPartOfEnd = 16;
/// Below this the parts would be nothing.
constexpr int kShortestEndless = 16;

}  // namespace

/// Forgets the middle of the text. The prompt's positions stay as they are, and with them their keys and
/// values.
[[gnu::cold]] void Session::shorten() {
  const int context = transformer_.context();
  const int end = context / kPartOfEnd;
  if (prompt_count_ > context / kPartOfPrompt) {
    prompt_count_ = context / kPartOfPrompt;
    prompt_is_whole_ = false;
  }
  CHECK(pos_ + 1 >= prompt_count_ + end);
  int32_t* const to = tokens_.data() + prompt_count_;
  std::memmove(to, tokens_.data() + pos_ + 1 - end, static_cast<size_t>(end) * sizeof(*to));
  pos_ = prompt_count_ + end - 1;
  if (computed_ > prompt_count_) computed_ = prompt_count_;
  given_end_ = 0;
  ++refills_;
}

/// Drafts tokens behind the known ones and returns their number. n: tokens that the pass has to run anyway.
[[gnu::cold]] int Session::draft(int n) {
  const int known = pos_ + 1;
  int most = transformer_.most_logits() - 1;
  most = most < kPrefillBlock - n ? most : kPrefillBlock - n;
  most = most < limit_ - known ? most : limit_ - known;
  const int drafts = drafter_->draft(tokens_, known, most, n);
  drafted_ += drafts;
  return drafts;
}

/// The model chose `token` where a draft was. Behind a wrong one nothing counts: those positions run again.
[[gnu::cold]] void Session::verify(int32_t token) {
  const bool right = token == tokens_[static_cast<size_t>(pos_) + 1];
  if (right) ++accepted_;
  drafter_->verified(pos_ - first_logits_, right);
  if (!right) computed_ = pos_ + 1;
}

namespace {

struct Parts {
  std::span<int32_t> tokens;
  std::span<char> text;
  Drafter* drafter;
};

/// What a session has of its own beside the transformer's memory.
[[gnu::cold]] Parts allocate(const ModelImage& image, int context, int most_logits, Arena& arena) {
  const size_t tokens = static_cast<size_t>(context) + 1;
  // One step shows at most a piece and everything that was held back before it.
  const size_t text = static_cast<size_t>(image.tokenizer().max_token_length) + 2 * kMaxStopBytes;
  Parts parts;
  parts.tokens = {arena.alloc<int32_t>(tokens), tokens};
  parts.drafter = most_logits > 1 ? arena.alloc<Drafter>(1) : nullptr;
  parts.text = {arena.alloc<char>(text), text};
  return parts;
}

}  // namespace

[[gnu::cold]] Result<size_t> Session::bytes_needed(const ModelImage& image, int context, int worker_count,
                                                   int most_logits) {
  Result<size_t> transformer =
      pico_llama::bytes_needed(image.config(), image.profile(), context, worker_count, most_logits);
  if (!transformer.ok()) return transformer;
  Arena arena;
  allocate(image, context, most_logits, arena);
  return transformer.value() + arena.used() + Arena::kAlignment;
}

[[gnu::cold]] Result<size_t> Session::bytes_needed_without_cache(const ModelImage& image, int context,
                                                                 int worker_count, int most_logits) {
  Result<size_t> all = bytes_needed(image, context, worker_count, most_logits);
  if (!all.ok()) return all;
  return all.value() - kv_cache_bytes(image.config(), image.profile(), context);
}

[[gnu::cold]] Result<Session> Session::create(const ModelImage& image, int context,
                                              std::span<std::byte> memory, std::span<std::byte> cache,
                                              Workers& workers) {
  Session session;
  PICO_LLAMA_RETURN_IF_ERROR(session.open(image, context, memory, cache, workers));
  return session;
}

[[gnu::cold]] Status Session::open(const ModelImage& image, int context, std::span<std::byte> memory,
                                   std::span<std::byte> cache, Workers& workers, int most_logits) {
  const Result<size_t> needed =
      cache.empty() ? bytes_needed(image, context, workers.count(), most_logits)
                    : bytes_needed_without_cache(image, context, workers.count(), most_logits);
  if (!needed.ok()) return needed.status();
  if (memory.size() < needed.value())
    return {StatusCode::kOutOfMemory, "a session needs {} bytes of memory, there are {}",
            static_cast<int64_t>(needed.value()), static_cast<int64_t>(memory.size())};
  Arena arena(memory);
  const Parts parts = allocate(image, context, most_logits, arena);
  PICO_LLAMA_RETURN_IF_ERROR(
      transformer_.open(image, context, memory.subspan(arena.used()), cache, workers, most_logits));
  tokenizer_ = Tokenizer(image.tokenizer());
  template_ = image.metadata().prompt_template;
  drafter_ = parts.drafter;
  if (drafter_ != nullptr) {
    const DraftsHeader* const drafts = image.drafts();
    *drafter_ = Drafter(drafts != nullptr ? DraftTable(*drafts, image.config().vocab_size) : DraftTable());
  }
  tokens_ = parts.tokens;
  text_ = parts.text;
  forget();  // a text that was under way in the old memory is over
  return {};
}

[[gnu::cold]] Status Session::validate(const SessionOptions& options) const {
  PICO_LLAMA_RETURN_IF_ERROR(options.sampler.validate());
  if (options.stop.size() > kMaxStopBytes)
    return {StatusCode::kInvalidArgument, "the stop string has {} bytes, at most {} are possible",
            static_cast<int64_t>(options.stop.size()), static_cast<int64_t>(kMaxStopBytes)};
  if (options.steps < 0)
    return {StatusCode::kInvalidArgument, "the number of steps is {}, must be 0 (the whole context) or more",
            options.steps};
  if (options.endless && transformer_.context() < kShortestEndless)
    return {StatusCode::kInvalidArgument, "the context has {} positions, an endless text needs {}",
            transformer_.context(), kShortestEndless};
  return {};
}

/// `steps`: positions from here on, as in the options.
[[gnu::cold]] void Session::set_limit(int32_t steps) {
  if (steps == 0) steps = INT32_MAX;
  const int room = transformer_.context() - pos_;
  const int here = steps < room ? steps : room;
  limit_ = pos_ + here;
  steps_beyond_limit_ = options_.endless ? steps - here : 0;
}

[[gnu::cold]] void Session::start(const SessionOptions& options) {
  options_ = options;
  set_limit(options.steps);
  generated_ = 0;
  passes_ = 0;
  drafted_ = 0;
  accepted_ = 0;
  refills_ = 0;
  stopped_ = StopReason::kNone;
}

/// The prompt in its template, at the front of `scratch`, which becomes the rest of it. A prompt that
/// encode() refuses stays as it is.
[[gnu::cold]] std::string_view Session::wrap(std::string_view prompt, std::span<std::byte>& scratch) const {
  const size_t bytes = template_.size() + prompt.size();
  const size_t taken = (bytes + 7) / 8 * 8;
  if (template_.empty() || prompt.empty() || taken > scratch.size() ||
      utf8_valid_prefix(prompt) != prompt.size())
    return prompt;
  const size_t mark = template_.find(kPromptMark);
  std::string_view after = template_;
  after.remove_prefix(mark + kPromptMark.size());
  char* const text = reinterpret_cast<char*>(scratch.data());
  std::memcpy(text, template_.data(), mark);
  std::memcpy(text + mark, prompt.data(), prompt.size());
  std::memcpy(text + mark + prompt.size(), after.data(), after.size());
  scratch = scratch.subspan(taken);
  return {text, mark + prompt.size() + after.size()};
}

[[gnu::cold]] Status Session::begin(std::string_view prompt, const SessionOptions& options) {
  forget();  // whatever fails below, the last text is over
  PICO_LLAMA_RETURN_IF_ERROR(validate(options));
  const auto context = static_cast<size_t>(transformer_.context());
  std::span<std::byte> scratch = transformer_.idle_kv_cache();
  if (options.use_template) prompt = wrap(prompt, scratch);
  const Result<int> count = tokenizer_.encode(prompt, tokens_.first(context), scratch);
  if (!count.ok()) return count.status();
  prompt_count_ = count.value();
  prompt_is_whole_ = true;
  computed_ = 0;
  return again(options);
}

[[gnu::cold]] Status Session::again(const SessionOptions& options) {
  PICO_LLAMA_RETURN_IF_ERROR(validate(options));
  if (prompt_count_ == 0)
    return {StatusCode::kInvalidArgument, "there is no story yet that could be told again"};
  if (!prompt_is_whole_)
    return {StatusCode::kInvalidArgument, "the story has forgotten part of its prompt; give it again"};
  sampler_ = Sampler(options.sampler, transformer_.sample_scratch());
  utf8_.clear();
  held_count_ = 0;
  shown_ = 0;
  given_end_ = prompt_count_;
  pos_ = 0;
  // The prompt's last token runs again, for its logits.
  if (computed_ >= prompt_count_) computed_ = prompt_count_ - 1;
  if (drafter_ != nullptr) drafter_->begin();
  start(options);
  return {};
}

/// Puts words behind the text. An error leaves the text as it was.
[[gnu::cold]] Status Session::append(std::string_view words, bool endless) {
  if (const size_t good = utf8_valid_prefix(words); good != words.size())
    return {StatusCode::kInvalidArgument, "the words are not UTF-8 at byte {}; give them in that encoding",
            static_cast<int64_t>(good)};
  const int context = transformer_.context();
  const std::span<std::byte> scratch = transformer_.idle_activations();
  size_t most = Tokenizer::most_text_bytes(scratch.size());
  // Beside what an endless text keeps there is room for as many tokens as these words can have.
  if (const auto room = static_cast<size_t>(context) / 4; endless && most > room) most = room;
  if (words.size() > most)
    return {StatusCode::kPromptTooLong,
            "{} bytes of words are more than the {} there is room for; shorten them",
            static_cast<int64_t>(words.size()), static_cast<int64_t>(most)};

  const int32_t last = tokens_[static_cast<size_t>(pos_)];
  int known = stopped_ == StopReason::kEnd ? pos_ : pos_ + 1;  // words take the place of the end token
  if (given_end_ > known) known = given_end_;                  // stopped before all of the prompt was shown
  if (endless && known + static_cast<int>(words.size()) > context) {
    pos_ = known - 1;
    shorten();
    known = pos_ + 1;
  }
  const Result<int> count = tokenizer_.encode_more(
      words, tokens_.subspan(static_cast<size_t>(known), static_cast<size_t>(context - known)), scratch);
  if (!count.ok()) {
    CHECK(!endless);
    tokens_[static_cast<size_t>(pos_)] = last;
    if (computed_ > pos_) computed_ = pos_;  // logits that were there have been scratch memory
    return count.status();
  }
  given_end_ = known + count.value();
  if (pos_ >= known) pos_ = known - 1;
  if (computed_ > known) computed_ = known;
  utf8_.clear();
  held_count_ = 0;
  shown_ = 0;
  return {};
}

[[gnu::cold]] Status Session::resume(std::string_view words, const SessionOptions& options) {
  PICO_LLAMA_RETURN_IF_ERROR(validate(options));
  if (prompt_count_ == 0)
    return {StatusCode::kInvalidArgument, "there is no story to continue; one begins with a prompt"};
  const int context = transformer_.context();
  if (!options.endless && pos_ >= context)
    return {StatusCode::kInvalidArgument,
            "the story fills the context of {} positions; only an endless one goes on", context};
  if (!words.empty()) PICO_LLAMA_RETURN_IF_ERROR(append(words, options.endless));
  sampler_.change(options.sampler);
  start(options);
  return {};
}

}  // namespace pico_llama
