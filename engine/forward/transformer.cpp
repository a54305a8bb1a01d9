#include "engine/forward/transformer.h"

#include "engine/check.h"
#include "engine/forward/kv_steps.h"
#include "engine/forward/numerics.h"
#include "engine/forward/stream_order.h"

namespace pico_llama {

/// One forward(): the arguments of the workers' task. run() is llama2.c's forward(), for n tokens at once;
/// every worker runs it on its own rows and heads. What is read after a barrier was written before it, by any
/// worker.
struct Transformer::Pass {
  const Transformer& transformer;
  std::span<const int32_t> tokens;
  int pos;
  int logits;  ///< of how many of the last tokens

  /// Inlined into task(): saves a stack frame, and core 1 has little stack.
  template <typename Numerics>
  [[gnu::always_inline]] inline void run(Numerics& numerics) const;

  template <typename Numerics>
  static void task(void* context, int worker) {
    const Pass& pass = *static_cast<const Pass*>(context);
    const Transformer& t = pass.transformer;
    Numerics numerics{{t.config_, t.state_, t.state_.workers[worker], static_cast<int>(pass.tokens.size()),
                       pass.pos, worker, t.stream_, *t.workers_, t.heads_}};
    pass.run(numerics);
  }
};

template <typename Numerics>
void Transformer::Pass::run(Numerics& numerics) const {
  const Config& p = transformer.config_;
  const TransformerWeights& w = transformer.weights_;
  const RunState& s = transformer.state_;
  auto& workers = numerics.workers;
  const Share mine{numerics.worker, workers.count()};
  const float eps = transformer.rms_eps_;
  const auto input_barrier = [&] {
    if constexpr (Numerics::kWorkersShareInput) workers.barrier();
  };

  // copy the token embeddings into x
  numerics.embed(w.token_embedding, tokens, mine.rows(p.dim), w.layers[0].rms_att);
  workers.barrier();

  for (int l = 0; l < p.n_layers; ++l) {
    const LayerWeights& layer = w.layers[l];

    // Without logits the last layer ends at its cache entries: later tokens read nothing else of it.
    const bool is_last = l + 1 == p.n_layers;
    const bool only_cache = is_last && logits == 0;

    // attention rmsnorm, qkv for these positions, RoPE
    numerics.set_normed_input(layer.rms_att, eps, layer.wq);
    input_barrier();
    if (!only_cache) numerics.matmul(s.q, s.dim_stride, layer.wq, mine);
    numerics.matmul(s.k, s.kv_stride, layer.wk, mine);
    numerics.matmul(s.v, s.kv_stride, layer.wv, mine);
    if (!only_cache) numerics.rope(s.q, s.dim_stride, w.rope, mine.rows(p.dim));
    numerics.rope(s.k, s.kv_stride, w.rope, mine.rows(p.kv_dim()));
    workers.barrier();

    // multihead attention: each token over all positions up to its own, in place of q
    const Heads kv_heads = numerics.kv_heads(mine);
    if (only_cache || !numerics.streams_cache())
      numerics.store(l, kv_heads, numerics.cache_of(l, kv_heads.begin));
    if (only_cache) return;
    if (is_last) numerics.keep_last(logits);
    numerics.attention(l, kv_heads);
    workers.barrier();

    // output matmul, residual connection back into x
    numerics.set_input(s.q, s.dim_stride, layer.wo);
    input_barrier();
    numerics.matmul(s.xb2 + numerics.first * s.dim_stride, s.dim_stride, layer.wo, mine);
    numerics.add_to_x(s.xb2, mine.rows(p.dim), layer.rms_ffn);
    workers.barrier();

    // ffn rmsnorm; then w2(silu(w1 x) * w3 x), residual connection back into x
    numerics.set_normed_input(layer.rms_ffn, eps, layer.w1);
    input_barrier();
    numerics.matmul(s.hb + numerics.first * s.hidden_stride, s.hidden_stride, layer.w1, mine);
    numerics.matmul(s.hb2 + numerics.first * s.hidden_stride, s.hidden_stride, layer.w3, mine);
    numerics.swiglu(mine.rows(p.hidden_dim));
    workers.barrier();
    numerics.set_hidden_input(layer.w2);
    input_barrier();
    numerics.matmul(s.xb2 + numerics.first * s.dim_stride, s.dim_stride, layer.w2, mine);
    numerics.add_to_x(s.xb2, mine.rows(p.dim), is_last ? w.rms_final : w.layers[l + 1].rms_att);
    workers.barrier();
  }

  // final rmsnorm, classifier into logits
  numerics.set_normed_input(w.rms_final, eps, w.wcls);
  input_barrier();
  numerics.matmul(s.logits, s.logit_stride, w.wcls, mine);
}

void Transformer::forward(std::span<const int32_t> tokens, int pos, int logits) {
  CHECK(!tokens.empty() && tokens.size() <= kPrefillBlock);
  CHECK(logits >= 0 && logits <= static_cast<int>(tokens.size()) && logits <= state_.most_logits);
  CHECK(pos >= 0 && pos <= context_ - static_cast<int>(tokens.size()));
  for (int32_t token : tokens) CHECK(token >= 0 && token < config_.vocab_size);
  if (stream_ != nullptr) stream_->begin(pos, static_cast<int>(tokens.size()), logits != 0);
  Pass pass{*this, tokens, pos, logits};
  workers_->run(profile_ == Profile::kF32 ? &Pass::task<NumericsF32> : &Pass::task<NumericsQ8>, &pass);
}

// ---- At load: in flash on the board (cold functions are not copied to SRAM).

[[gnu::cold]] Result<size_t> bytes_needed(const Config& config, Profile profile, int context,
                                          int worker_count, int most_logits) {
  if (profile > Profile::kQ4)
    return Status{StatusCode::kUnsupported, "profile {} is not one this build runs",
                  static_cast<int64_t>(profile)};
  if (context < 1 || context > config.seq_len)
    return Status{StatusCode::kInvalidArgument, "context {} is not within 1 and the model's {}", context,
                  config.seq_len};
  CHECK(worker_count >= 1 && worker_count <= kMaxWorkers);
  CHECK(most_logits >= 1 && most_logits <= kPrefillBlock);
  // An upper bound in 64 bits, because the exact sizes below are in size_t, which could wrap. The cache:
  // f32's keys and values. The rest: RunState's buffers have fewer floats per token than (4 + worker_count)
  // times twice the widths of both vectors; then the logits' rows and sample_scratch.
  const uint64_t cache = uint64_t{2} * static_cast<uint64_t>(config.n_layers) *
                         static_cast<uint64_t>(config.kv_dim()) *
                         static_cast<uint64_t>(round_up(context, 8)) * sizeof(float);
  const uint64_t rest =
      uint64_t{kPrefillBlock} * sizeof(float) * (uint64_t{4} + static_cast<uint64_t>(worker_count)) *
          (static_cast<uint64_t>(config.dim) * 2 + static_cast<uint64_t>(config.hidden_dim) * 2) +
      (uint64_t{1} + static_cast<uint64_t>(most_logits)) * static_cast<uint64_t>(config.vocab_size) *
          sizeof(float);
  if (cache + rest > SIZE_MAX / 2)
    return Status{StatusCode::kOutOfMemory,
                  "the model needs {} MB for its cache and activations, more than this machine can address",
                  static_cast<int64_t>((cache + rest) >> 20)};
  return kv_cache_bytes(config, profile, context) +
         bytes_needed_without_cache(config, profile, context, worker_count, most_logits);
}

[[gnu::cold]] size_t kv_cache_bytes(const Config& config, Profile profile, int context) {
  Arena arena;
  Arena cache;
  RunState::allocate(config, profile, context, 1, 1, arena, cache);
  return cache.used() + Arena::kAlignment;
}

[[gnu::cold]] size_t bytes_needed_without_cache(const Config& config, Profile profile, int context,
                                                int worker_count, int most_logits) {
  Arena arena;
  Arena cache;
  arena.alloc<LayerWeights>(static_cast<size_t>(config.n_layers));
  RunState::allocate(config, profile, context, worker_count, most_logits, arena, cache);
  return arena.used() + Arena::kAlignment;
}

[[gnu::cold]] Result<Transformer> Transformer::create(const ModelImage& image, int context,
                                                      std::span<std::byte> memory, std::span<std::byte> cache,
                                                      Workers& workers) {
  Transformer transformer;
  PICO_LLAMA_RETURN_IF_ERROR(transformer.open(image, context, memory, cache, workers));
  return transformer;
}

[[gnu::cold]] Status Transformer::open(const ModelImage& image, int context, std::span<std::byte> memory,
                                       std::span<std::byte> cache, Workers& workers, int most_logits) {
  const Result<size_t> all =
      bytes_needed(image.config(), image.profile(), context, workers.count(), most_logits);
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
  heads_ = head_shape(config_.kv_mul(), config_.head_size());
  rms_eps_ = image.rms_eps();
  context_ = context;
  weights_ = TransformerWeights::bind(image, arena);
  Arena own_cache(cache);
  state_ = RunState::allocate(config_, profile_, context, workers.count(), most_logits, arena,
                              cache.empty() ? arena : own_cache);
  workers_ = &workers;
  stream_ = nullptr;
  if (profile_ != Profile::kF32) compute_kv_steps(config_, weights_.layers, state_.x, state_.kv_steps);
  return {};
}

[[gnu::cold]] size_t Transformer::stream_items(bool cache, std::span<StreamItem> items) const {
  CHECK(items.size() >= most_stream_items());
  // forward() itself says which tensors it reads and when: one pass with logits, then one without.
  size_t count = 0;
  for (const bool logits : {true, false}) {
    StreamOrder order{items.data(), cache, logits};
    Pass{*this, {}, 0, logits ? 1 : 0}.run(order);
    if (logits) count = static_cast<size_t>(order.item - items.data());
  }
  return count;
}

[[gnu::cold]] CacheArrays Transformer::cache_arrays() const {
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
