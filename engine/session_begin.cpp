// What runs once a model or once a story: the firmware leaves this in flash, the step() of every token is in
// SRAM.
#include <cstring>

#include "engine/session.h"

namespace pico_llama {
namespace {

struct Parts {
  std::span<int32_t> tokens;
  std::span<char> text;
};

/// What a session has of its own beside the transformer's memory.
Parts allocate(const ModelImage& image, int context, Arena& arena) {
  const size_t tokens = static_cast<size_t>(context) + 1;
  // One step shows at most a piece and everything that was held back before it.
  const size_t text = static_cast<size_t>(image.tokenizer().max_token_length) + 2 * kMaxStopBytes;
  Parts parts;
  parts.tokens = {arena.alloc<int32_t>(tokens), tokens};
  parts.text = {arena.alloc<char>(text), text};
  return parts;
}

}  // namespace

Result<size_t> Session::bytes_needed(const ModelImage& image, int context, int worker_count) {
  Result<size_t> transformer =
      pico_llama::bytes_needed(image.config(), image.profile(), context, worker_count);
  if (!transformer.ok()) return transformer;
  Arena arena;
  allocate(image, context, arena);
  return transformer.value() + arena.used() + Arena::kAlignment;
}

Result<size_t> Session::bytes_needed_beside_cache(const ModelImage& image, int context, int worker_count) {
  Result<size_t> all = bytes_needed(image, context, worker_count);
  if (!all.ok()) return all;
  return all.value() - kv_cache_bytes(image.config(), image.profile(), context);
}

Result<Session> Session::create(const ModelImage& image, int context, std::span<std::byte> memory,
                                std::span<std::byte> cache, Workers& workers) {
  Session session;
  PICO_LLAMA_RETURN_IF_ERROR(session.open(image, context, memory, cache, workers));
  return session;
}

Status Session::open(const ModelImage& image, int context, std::span<std::byte> memory,
                     std::span<std::byte> cache, Workers& workers) {
  const Result<size_t> needed = cache.empty() ? bytes_needed(image, context, workers.count())
                                              : bytes_needed_beside_cache(image, context, workers.count());
  if (!needed.ok()) return needed.status();
  if (memory.size() < needed.value())
    return {StatusCode::kOutOfMemory, "a session needs {} bytes of memory, there are {}",
            static_cast<int64_t>(needed.value()), static_cast<int64_t>(memory.size())};
  Arena arena(memory);
  const Parts parts = allocate(image, context, arena);
  PICO_LLAMA_RETURN_IF_ERROR(transformer_.open(image, context, memory.subspan(arena.used()), cache, workers));
  tokenizer_ = Tokenizer(image.tokenizer());
  tokens_ = parts.tokens;
  text_ = parts.text;
  stopped_ = StopReason::kSteps;  // a text that was under way in the old memory is over
  return {};
}

Status Session::begin(std::string_view prompt, const SessionOptions& options) {
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
  prefilled_ = 0;
  generated_ = 0;
  stopped_ = StopReason::kNone;
  return {};
}

}  // namespace pico_llama
