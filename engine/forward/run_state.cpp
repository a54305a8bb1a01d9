#include "engine/forward/run_state.h"

#include <algorithm>

#include "engine/kernels/attention_f32/attention_f32.h"
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/model/q4_layout.h"

namespace pico_llama {

namespace {

/// Floats of q, k and v, or of hb.
size_t first_floats(const RunState& s) {
  return kPrefillBlock * static_cast<size_t>(std::max(s.dim_stride + 2 * s.kv_stride, s.hidden_stride));
}

}  // namespace

size_t RunState::shared_floats() const {
  const size_t second = kPrefillBlock * static_cast<size_t>(columns_stride);
  const size_t sampling = (static_cast<size_t>(most_logits) + 1) * static_cast<size_t>(logit_stride);
  return std::max(first_floats(*this) + second, sampling);
}

RunState RunState::allocate(const Config& c, Profile profile, int context, int worker_count, int most_logits,
                            Arena& arena, Arena& cache_arena) {
  RunState s{};
  s.dim_stride = round_up(c.dim, kBlockRows);
  s.kv_stride = round_up(c.kv_dim(), kBlockRows);
  s.hidden_stride = round_up(c.hidden_dim, kBlockRows);
  s.logit_stride = round_up(c.logit_count(), kBlockRows);
  s.columns_stride = std::max(s.dim_stride, s.hidden_stride);
  if (profile == Profile::kQ4)
    s.columns_stride = static_cast<int>(q4_columns(static_cast<uint32_t>(s.columns_stride)));
  s.most_logits = most_logits;
  s.context = round_up(context, 8);

  const auto floats = [&arena](size_t n) { return arena.alloc<float>(n, Arena::kAlignment); };
  const auto block_of = [&](int stride) {
    return floats(static_cast<size_t>(kPrefillBlock) * static_cast<size_t>(stride));
  };
  s.x =
      block_of(s.dim_stride + (profile == Profile::kF32 ? 0 : s.dim_stride / kBlockRows + 2 * worker_count));
  const size_t first = first_floats(s);
  const size_t logits = static_cast<size_t>(most_logits) * static_cast<size_t>(s.logit_stride);
  float* const shared = floats(s.shared_floats());
  if (!arena.counting()) {
    s.q = shared;
    s.k = s.q + kPrefillBlock * s.dim_stride;
    s.v = s.k + kPrefillBlock * s.kv_stride;
    s.hb = shared;
    s.xb2 = shared + first;
    s.hb2 = s.xb2;
    s.logits = shared;
    s.sample_scratch = reinterpret_cast<uint32_t*>(shared + logits);
  }

  const size_t heads = static_cast<size_t>(c.n_layers) * static_cast<size_t>(c.n_kv_heads);
  const auto positions = static_cast<size_t>(s.context);
  const auto head_size = static_cast<size_t>(c.head_size());
  const bool f32 = profile == Profile::kF32;
  s.value_head_bytes = positions * head_size * (f32 ? sizeof(float) : 1);
  s.key_head_bytes =
      f32 ? s.value_head_bytes : positions / 4 * static_cast<size_t>(q8_key_group_bytes(c.head_size()));
  s.kv_cache_bytes = heads * (s.key_head_bytes + s.value_head_bytes);
  s.key_cache = cache_arena.alloc<std::byte>(s.kv_cache_bytes, Arena::kAlignment);
  if (!cache_arena.counting()) s.value_cache = s.key_cache + heads * s.key_head_bytes;
  if (!f32) s.kv_steps = arena.alloc<KvSteps>(heads);

  if (profile != Profile::kF32) {
    const auto rows = static_cast<size_t>(std::max(kPrefillBlock, worker_count));
    s.xq = arena.alloc<int16_t>(kPrefillBlock * static_cast<size_t>(s.columns_stride), Arena::kAlignment);
    s.xq_scale = floats(rows);
    if (profile == Profile::kQ4)
      s.xq_bias = arena.alloc<int32_t>(kPrefillBlock * static_cast<size_t>(s.columns_stride) / kQ4Group);
  }
  s.workers = arena.alloc<WorkerScratch>(static_cast<size_t>(worker_count));
  for (int i = 0; i < worker_count; ++i) {
    WorkerScratch w{};
    if (profile == Profile::kF32) w.xb = block_of(s.dim_stride);
    const size_t scratch = profile == Profile::kF32
                               ? static_cast<size_t>(attention_f32_scratch(c.head_size())) * sizeof(float)
                               : attention_q8_scratch_bytes(c.kv_mul(), c.head_size());
    w.attention = arena.alloc<std::byte>(scratch, Arena::kAlignment);
    if (!arena.counting()) s.workers[i] = w;
  }
  return s;
}

}  // namespace pico_llama
