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
      step.text = {shown.data(), at};
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
  return false;
}

bool Session::run() {
  const int known = pos_ + 1;
  while (ran_ < known) {
    const bool prefills = ran_ < prompt_count_;
    int n = known - ran_;
    int logits = 0;
    if (n > kPrefillBlock) {
      n = kPrefillBlock;
    } else {
      const int guesses = drafter_ != nullptr ? guess(n) : 0;
      n += guesses;
      logits = 1 + guesses;
      first_logits_ = pos_;
      ++passes_;
    }
    transformer_.forward(tokens_.subspan(static_cast<size_t>(ran_), static_cast<size_t>(n)), ran_, logits);
    ran_ += n;
    if (prefills && cancelled()) return false;
  }
  return true;
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
    if (ran_ <= pos_ && !run()) return finish(StopReason::kCancelled, -1);
    step.token = sampler_.sample(transformer_.logits(pos_ - first_logits_), tokens_.first(at + 1),
                                 transformer_.workers());
    if (ran_ > pos_ + 1) check_guess(step.token);
    tokens_[at + 1] = step.token;
    ++generated_;
  }
  const int32_t previous = tokens_[at];
  ++pos_;
  if (tokenizer_.ends_text(step.token)) return finish(StopReason::kBos, step.token);
  if (add_text(tokenizer_.decode(previous, step.token), step.from_prompt, step)) {
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
  // Nothing can follow, so held-back text is shown now (but never the stop string itself).
  size_t n = 0;
  for (int i = 0; i < held_count_; ++i) text_[n++] = held_[i];
  for (const char c : utf8_.rest()) text_[n++] = c;
  held_count_ = 0;
  utf8_.clear();
  step.text = {text_.data(), n};
  return step;
}

/// Writes guesses behind the known tokens and returns their number. n: tokens that the pass has to run
/// anyway.
[[gnu::cold]] int Session::guess(int n) {
  const int known = pos_ + 1;
  int most = transformer_.most_logits() - 1;
  most = most < kPrefillBlock - n ? most : kPrefillBlock - n;
  most = most < steps_ - known ? most : steps_ - known;
  const int guesses = drafter_->guess(tokens_, known, most, n);
  drafted_ += guesses;
  return guesses;
}

/// The model chose `token` where a guess was. Behind a wrong one nothing counts: those positions run again.
[[gnu::cold]] void Session::check_guess(int32_t token) {
  const bool right = token == tokens_[static_cast<size_t>(pos_) + 1];
  if (right) ++accepted_;
  drafter_->checked(pos_ - first_logits_, right);
  if (!right) ran_ = pos_ + 1;
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

[[gnu::cold]] Result<size_t> Session::bytes_needed_beside_cache(const ModelImage& image, int context,
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
  const Result<size_t> needed = cache.empty()
                                    ? bytes_needed(image, context, workers.count(), most_logits)
                                    : bytes_needed_beside_cache(image, context, workers.count(), most_logits);
  if (!needed.ok()) return needed.status();
  if (memory.size() < needed.value())
    return {StatusCode::kOutOfMemory, "a session needs {} bytes of memory, there are {}",
            static_cast<int64_t>(needed.value()), static_cast<int64_t>(memory.size())};
  Arena arena(memory);
  const Parts parts = allocate(image, context, most_logits, arena);
  PICO_LLAMA_RETURN_IF_ERROR(
      transformer_.open(image, context, memory.subspan(arena.used()), cache, workers, most_logits));
  tokenizer_ = Tokenizer(image.tokenizer());
  drafter_ = parts.drafter;
  if (drafter_ != nullptr) {
    const DraftsHeader* const drafts = image.drafts();
    *drafter_ = Drafter(drafts != nullptr ? DraftTable(*drafts, image.config().vocab_size) : DraftTable());
  }
  tokens_ = parts.tokens;
  text_ = parts.text;
  stopped_ = StopReason::kSteps;  // a text that was under way in the old memory is over
  return {};
}

[[gnu::cold]] Status Session::begin(std::string_view prompt, const SessionOptions& options) {
  stopped_ = StopReason::kSteps;  // whatever fails below, the last text is over
  PICO_LLAMA_RETURN_IF_ERROR(options.sampler.validate());
  if (options.stop.size() > kMaxStopBytes)
    return {StatusCode::kInvalidArgument, "the stop string has {} bytes, at most {} are possible",
            static_cast<int64_t>(options.stop.size()), static_cast<int64_t>(kMaxStopBytes)};
  if (options.steps < 0)
    return {StatusCode::kInvalidArgument, "the number of steps is {}, must be 0 (the whole context) or more",
            options.steps};
  const int context = transformer_.context();
  const Result<int> count =
      tokenizer_.encode(prompt, tokens_.first(static_cast<size_t>(context)), transformer_.idle_kv_cache());
  if (!count.ok()) return count.status();

  options_ = options;
  if (!options.stop.empty()) std::memcpy(stop_, options.stop.data(), options.stop.size());
  options_.stop = {stop_, options.stop.size()};
  sampler_ = Sampler(options.sampler, transformer_.sample_scratch());
  utf8_.clear();
  held_count_ = 0;
  prompt_count_ = count.value();
  pos_ = 0;
  steps_ = options.steps == 0 || options.steps > context ? context : options.steps;
  ran_ = 0;
  generated_ = 0;
  passes_ = 0;
  drafted_ = 0;
  accepted_ = 0;
  if (drafter_ != nullptr) drafter_->begin();
  stopped_ = StopReason::kNone;
  return {};
}

}  // namespace pico_llama
