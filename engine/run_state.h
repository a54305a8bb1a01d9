// Every byte that changes while the model runs: llama2.c's RunState, over memory the caller gives.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/arena.h"
#include "engine/config.h"
#include "engine/status.h"

namespace pico_llama {

/// What one worker writes for itself, so that no two workers write to one place.
struct WorkerScratch {
  float* xb;         ///< (kPrefillBlock, dim_stride) normalised residual stream
  int16_t* xq;       ///< (kPrefillBlock, columns_stride) a matmul's input, quantised; q8 only
  float* xq_scale;   ///< (kPrefillBlock)
  float* attention;  ///< (2 * head_size) working memory of attention
};

struct RunState {
  float* x;                ///< (kPrefillBlock, dim_stride) residual stream
  float* q;                ///< (kPrefillBlock, dim_stride) queries, then attention's output
  float* k;                ///< (kPrefillBlock, kv_stride) keys before they enter the cache
  float* v;                ///< (kPrefillBlock, kv_stride)
  float* xb2;              ///< (kPrefillBlock, dim_stride) what a layer adds to x
  float* hb;               ///< (kPrefillBlock, hidden_stride)
  float* hb2;              ///< (kPrefillBlock, hidden_stride)
  float* logits;           ///< (vocab_stride)
  float* key_cache;        ///< (n_layers, n_kv_heads, context/8, head_size, 8)
  float* value_cache;      ///< (n_layers, n_kv_heads, context, head_size)
  WorkerScratch* workers;  ///< (worker_count)

  int dim_stride;  ///< dim rounded up to 8, as all that follow
  int kv_stride;
  int hidden_stride;
  int columns_stride;  ///< the longer of dim and hidden_dim
  int vocab_stride;
  int context;            ///< positions the cache holds, rounded up to 8
  size_t kv_cache_bytes;  ///< of key_cache and value_cache, which lie together, key_cache first

  /// The key/value cache comes from `cache`, which may be the same arena; all else from `arena`.
  static RunState allocate(const Config& config, Profile profile, int context, int worker_count, Arena& arena,
                           Arena& cache);
};

}  // namespace pico_llama
