// Every byte that changes while the model runs: llama2.c's RunState, over memory the caller gives.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/arena.h"
#include "engine/config.h"
#include "engine/status.h"

namespace pico_llama {

/// What one worker writes for itself, so that no two workers share a cache line or an SRAM bank by accident.
struct WorkerScratch {
  float* xb;         ///< (kPrefillBlock, max(dim, hidden_dim) padded to 8) normalised input of a matmul
  int16_t* xq;       ///< the same, quantised; q8 only
  float* xq_scale;   ///< (kPrefillBlock)
  float* attention;  ///< working memory of one kv head's attention
};

struct RunState {
  float* x;       ///< (kPrefillBlock, dim_stride) residual stream
  float* q;       ///< (kPrefillBlock, dim_stride) queries, then each head's attention output
  float* kv;      ///< (kPrefillBlock, kv_stride) one layer's keys or values before they enter the cache
  float* hb;      ///< (kPrefillBlock, hidden_stride)
  float* logits;  ///< (vocab_stride)
  std::byte* key_cache;
  std::byte* value_cache;
  WorkerScratch* workers;  ///< (worker_count)

  int dim_stride;  ///< dim rounded up to 8, as all that follow
  int kv_stride;
  int hidden_stride;
  int vocab_stride;
  int context;            ///< positions the cache holds, rounded up to 8
  size_t kv_cache_bytes;  ///< of key_cache and value_cache, which lie together from key_cache on

  static RunState allocate(const Config& config, Profile profile, int context, int worker_count,
                           Arena& arena);
};

}  // namespace pico_llama
