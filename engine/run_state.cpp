#include "engine/run_state.h"

namespace pico_llama {

RunState RunState::allocate(const Config& c, Profile profile, int context, int worker_count, Arena& arena,
                            Arena& cache_arena) {
  RunState s{};
  s.dim_stride = round_up(c.dim, kBlockRows);
  s.kv_stride = round_up(c.kv_dim(), kBlockRows);
  s.hidden_stride = round_up(c.hidden_dim, kBlockRows);
  s.vocab_stride = round_up(c.vocab_size, kBlockRows);
  s.columns_stride = s.dim_stride > s.hidden_stride ? s.dim_stride : s.hidden_stride;
  s.context = round_up(context, 8);

  const auto floats = [&arena](size_t n) { return arena.alloc<float>(n, Arena::kAlignment); };
  const auto block_of = [&](int stride) {
    return floats(static_cast<size_t>(kPrefillBlock) * static_cast<size_t>(stride));
  };
  s.x = block_of(s.dim_stride);
  s.q = block_of(s.dim_stride);
  s.k = block_of(s.kv_stride);
  s.v = block_of(s.kv_stride);
  s.xb2 = block_of(s.dim_stride);
  s.hb = block_of(s.hidden_stride);
  s.hb2 = block_of(s.hidden_stride);
  s.logits = floats(static_cast<size_t>(s.vocab_stride));

  const size_t cache =
      static_cast<size_t>(c.n_layers) * static_cast<size_t>(c.kv_dim()) * static_cast<size_t>(s.context);
  s.key_cache = cache_arena.alloc<float>(2 * cache, Arena::kAlignment);
  s.value_cache = cache_arena.counting() ? nullptr : s.key_cache + cache;
  s.kv_cache_bytes = 2 * cache * sizeof(float);

  s.workers = arena.alloc<WorkerScratch>(static_cast<size_t>(worker_count));
  for (int i = 0; i < worker_count; ++i) {
    WorkerScratch w{};
    w.xb = block_of(s.dim_stride);
    if (profile != Profile::kF32) {
      w.xq = arena.alloc<int16_t>(static_cast<size_t>(kPrefillBlock) * static_cast<size_t>(s.columns_stride),
                                  Arena::kAlignment);
      w.xq_scale = floats(kPrefillBlock);
    }
    w.attention = floats(2 * static_cast<size_t>(c.head_size()));
    if (!arena.counting()) s.workers[i] = w;
  }
  return s;
}

}  // namespace pico_llama
