// What a Transformer needs and how it is put together: once at load, so the firmware leaves this in flash.
#include "engine/check.h"
#include "engine/forward/kv_steps.h"
#include "engine/forward/transformer.h"

namespace pico_llama {

Result<size_t> bytes_needed(const Config& config, Profile profile, int context, int worker_count) {
  if (profile > Profile::kQ4)
    return Status{StatusCode::kUnsupported, "profile {} is not one this build runs",
                  static_cast<int64_t>(profile)};
  if (context < 1 || context > config.seq_len)
    return Status{StatusCode::kInvalidArgument, "context {} is not within 1 and the model's {}", context,
                  config.seq_len};
  CHECK(worker_count >= 1 && worker_count <= kMaxWorkers);
  // In 64 bits first: on a 32-bit machine a large model's sizes could wrap.
  const uint64_t cache = uint64_t{2} * static_cast<uint64_t>(config.n_layers) *
                         static_cast<uint64_t>(config.kv_dim()) *
                         static_cast<uint64_t>(round_up(context, 8)) * sizeof(float);
  const uint64_t rest =
      uint64_t{kPrefillBlock} * sizeof(float) * (uint64_t{4} + static_cast<uint64_t>(worker_count)) *
          (static_cast<uint64_t>(config.dim) * 2 + static_cast<uint64_t>(config.hidden_dim) * 2) +
      static_cast<uint64_t>(config.vocab_size) * sizeof(float);
  if (cache + rest > SIZE_MAX / 2)
    return Status{StatusCode::kOutOfMemory,
                  "the model needs {} MB for its cache and activations, more than this machine can address",
                  static_cast<int64_t>((cache + rest) >> 20)};
  return kv_cache_bytes(config, profile, context) +
         bytes_needed_beside_cache(config, profile, context, worker_count);
}

size_t kv_cache_bytes(const Config& config, Profile profile, int context) {
  Arena arena;
  Arena cache;
  RunState::allocate(config, profile, context, 1, arena, cache);
  return cache.used() + Arena::kAlignment;
}

size_t bytes_needed_beside_cache(const Config& config, Profile profile, int context, int worker_count) {
  Arena arena;
  Arena cache;
  arena.alloc<LayerWeights>(static_cast<size_t>(config.n_layers));
  RunState::allocate(config, profile, context, worker_count, arena, cache);
  return arena.used() + Arena::kAlignment;
}

Result<Transformer> Transformer::create(const ModelImage& image, int context, std::span<std::byte> memory,
                                        std::span<std::byte> cache, Workers& workers) {
  Transformer transformer;
  PICO_LLAMA_RETURN_IF_ERROR(transformer.open(image, context, memory, cache, workers));
  return transformer;
}

Status Transformer::open(const ModelImage& image, int context, std::span<std::byte> memory,
                         std::span<std::byte> cache, Workers& workers) {
  const Result<size_t> all = bytes_needed(image.config(), image.profile(), context, workers.count());
  if (!all.ok()) return all.status();
  const size_t cache_bytes = kv_cache_bytes(image.config(), image.profile(), context);
  const size_t needed = cache.empty() ? all.value() : all.value() - cache_bytes;
  if (memory.size() < needed)
    return {StatusCode::kOutOfMemory, "the model needs {} bytes of memory, there are {}",
            static_cast<int64_t>(needed), static_cast<int64_t>(memory.size())};
  if (!cache.empty() && cache.size() < cache_bytes)
    return {StatusCode::kOutOfMemory, "the key/value cache needs {} bytes, there are {}",
            static_cast<int64_t>(cache_bytes), static_cast<int64_t>(cache.size())};
  Arena arena(memory);
  config_ = image.config();
  profile_ = image.profile();
  rms_eps_ = image.rms_eps();
  context_ = context;
  weights_ = TransformerWeights::bind(image, arena);
  Arena own_cache(cache);
  state_ = RunState::allocate(config_, profile_, context, workers.count(), arena,
                              cache.empty() ? arena : own_cache);
  workers_ = &workers;
  stream_ = nullptr;
  if (profile_ != Profile::kF32) compute_kv_steps(config_, weights_.layers, state_.x, state_.kv_steps);
  return {};
}

size_t Transformer::stream_items(bool cache, std::span<StreamItem> items) const {
  CHECK(items.size() >= most_stream_items());
  size_t count = 0;
  // Which items those are, forward() says.
  const auto add = [&](const Tensor& w, bool for_logits) {
    if (!w.streamed) return;
    const uint64_t block_bytes = tensor_bytes(w.encoding, kBlockRows, w.columns);
    items[count++] = {w.data, static_cast<uint32_t>(block_bytes), w.blocks(), StreamItem::Kind::kTensor,
                      for_logits};
  };
  for (int l = 0; l < config_.n_layers; ++l) {
    const LayerWeights& layer = weights_.layers[l];
    const bool is_last = l + 1 == config_.n_layers;
    add(layer.wq, is_last);
    for (const Tensor* w : {&layer.wk, &layer.wv}) add(*w, false);
    if (cache) items[count++] = {.kind = StreamItem::Kind::kCache, .for_logits = is_last};
    for (const Tensor* w : {&layer.wo, &layer.w1, &layer.w3, &layer.w2}) add(*w, is_last);
  }
  add(weights_.wcls, true);
  return count;
}

CacheArrays Transformer::cache_arrays() const {
  CacheArrays arrays;
  arrays.heads = config_.n_kv_heads;
  arrays.layers = config_.n_layers;
  const auto context = static_cast<uint32_t>(state_.context);
  const auto add = [&](const std::byte* data, size_t head_bytes) {
    const auto bytes = static_cast<uint32_t>(head_bytes);
    arrays.array[arrays.count++] = {data, bytes, bytes / (context / 8)};
  };
  add(state_.key_cache, state_.key_head_bytes);
  add(state_.value_cache, state_.value_head_bytes);
  return arrays;
}

}  // namespace pico_llama
