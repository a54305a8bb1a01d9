// forward(): tokens in, logits out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/forward/run_state.h"
#include "engine/model/model_image.h"
#include "engine/model/weights.h"
#include "engine/streaming/stream_schedule.h"
#include "engine/streaming/weight_stream.h"
#include "engine/workers.h"

namespace pico_llama {

/// Bytes of memory for a Transformer, alignment slack included: key/value cache for `context` positions,
/// activations, views. most_logits: most tokens of a pass whose logits are kept, at least 1.
/// Errors: kInvalidArgument for a context outside 1..seq_len or a profile this build does not run.
Result<size_t> bytes_needed(const Config& config, Profile profile, int context, int worker_count = 1,
                            int most_logits = 1);
/// The key/value cache's share of bytes_needed(), and the rest: the cache may be in a separate buffer.
/// Requires: bytes_needed() is ok.
size_t kv_cache_bytes(const Config& config, Profile profile, int context);
size_t bytes_needed_without_cache(const Config& config, Profile profile, int context, int worker_count = 1,
                                  int most_logits = 1);

class Transformer {
 public:
  Transformer() = default;

  /// Requires: image outlives the transformer, as do memory and workers.
  /// Errors: as bytes_needed(); kOutOfMemory (with both numbers) when memory is smaller than that.
  static Result<Transformer> create(const ModelImage& image, int context, std::span<std::byte> memory,
                                    Workers& workers) {
    return create(image, context, memory, {}, workers);
  }
  /// The same with the key/value cache in a memory of its own, kv_cache_bytes() long.
  static Result<Transformer> create(const ModelImage& image, int context, std::span<std::byte> memory,
                                    std::span<std::byte> cache, Workers& workers);
  /// The same in place, for callers with little stack. A failure leaves it as it was.
  Status open(const ModelImage& image, int context, std::span<std::byte> memory, std::span<std::byte> cache,
              Workers& workers, int most_logits = 1);

  /// Runs 1 to kPrefillBlock tokens at positions pos, pos+1, ... and leaves the logits of the last `logits`
  /// of them in logits(). Exact: one call with n tokens gives the same bits as n calls with one. Requires: 0
  /// <= token < vocab_size, pos + tokens.size() <= context(), logits <= tokens.size() and most_logits(). 0
  /// leaves out what only logits need (prefill): of the last layer all but its keys and values, and the
  /// classifier.
  void forward(std::span<const int32_t> tokens, int pos, int logits = 1);

  /// logits() and sample_scratch() are valid until the next forward(), which reuses their memory. Row 0
  /// belongs to the first token whose logits were wanted.
  std::span<float> logits(int row = 0) {
    return {state_.logits + row * state_.logit_stride, static_cast<size_t>(config_.logit_count())};
  }
  int most_logits() const { return state_.most_logits; }
  /// Tokens whose pass costs least each: what kernels take at once, and how many of that a pass without
  /// logits should have at most.
  int tokens_together() const { return profile_ == Profile::kQ4 ? 3 : 2; }
  int prefill_tokens() const { return kPrefillBlock / tokens_together() * tokens_together(); }
  std::span<uint32_t> sample_scratch() {
    return {state_.sample_scratch, static_cast<size_t>(config_.logit_count())};
  }
  Workers& workers() { return *workers_; }
  const Config& config() const { return config_; }
  int context() const { return context_; }
  /// For pointing tensors at copies in faster memory.
  TransformerWeights& weights() { return weights_; }
  /// Streams the tensors marked `streamed`, and the cache if the schedule includes it. Null: everything is
  /// read in place. Requires: the stream outlives its use and its schedule was made from this transformer's
  /// stream_items().
  void set_stream(WeightStream* stream) { stream_ = stream; }
  /// The items of a schedule: the tensors marked `streamed`, in forward()'s order, with the place of each
  /// layer's cache among them if `cache`. Returns their number. Requires: room for most_stream_items().
  size_t stream_items(bool cache, std::span<StreamItem> items) const;
  /// Of each layer wq, wk, wv, the cache, wo, w1, w3, w2; then the classifier.
  size_t most_stream_items() const { return static_cast<size_t>(config_.n_layers) * 8 + 1; }
  CacheArrays cache_arrays() const;
  /// The KV cache as scratch memory. Valid only before the first forward() of a text.
  std::span<std::byte> idle_kv_cache() { return {state_.key_cache, state_.kv_cache_bytes}; }
  /// The activations and logits as scratch memory. Valid until the next forward().
  std::span<std::byte> idle_activations() {
    return std::as_writable_bytes(std::span(state_.q, state_.shared_floats()));
  }

 private:
  struct Pass;
  Config config_{};
  Profile profile_ = Profile::kF32;
  HeadShape heads_ = HeadShape::kAny;
  float rms_eps_ = 0;
  int context_ = 0;
  TransformerWeights weights_{};
  RunState state_{};
  Workers* workers_ = nullptr;
  WeightStream* stream_ = nullptr;
};

}  // namespace pico_llama
