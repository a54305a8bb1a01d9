// All mutable state of the model: llama2.c's RunState, in memory provided by the caller.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/arena.h"
#include "engine/forward/kv_steps.h"
#include "engine/model/config.h"
#include "engine/status.h"

namespace pico_llama {

/// Scratch memory of one worker.
struct WorkerScratch {
  float* xb;             ///< (kPrefillBlock, dim_stride) normalised residual stream; f32 only
  std::byte* attention;  ///< working memory of attention
};

struct RunState {
  float* x;  ///< (kPrefillBlock, dim_stride) residual stream

  /// (kPrefillBlock, columns_stride) quantised input of a matmul; q8 and q4 only. Several tokens: split among
  /// workers by token; one token: by column.
  int16_t* xq;
  int32_t* xq_bias;  ///< q4: MatmulQ4::x_bias
  float*
      xq_scale;  ///< (kPrefillBlock, or worker_count if that is more) of each token, or each worker's of one

  // Buffers with disjoint lifetimes share memory, separated by a barrier in forward(): q, k, v with hb; xb2
  // with hb2; logits and sample_scratch with all of them.
  float* q;                  ///< (kPrefillBlock, dim_stride) queries, then attention's output
  float* k;                  ///< (kPrefillBlock, kv_stride) keys before they enter the cache
  float* v;                  ///< (kPrefillBlock, kv_stride)
  float* xb2;                ///< (kPrefillBlock, dim_stride) result of wo or w2, added to x
  float* hb;                 ///< (kPrefillBlock, hidden_stride)
  float* hb2;                ///< (kPrefillBlock, hidden_stride)
  float* logits;             ///< (most_logits, logit_stride)
  uint32_t* sample_scratch;  ///< (logit_stride)

  /// Per layer and kv head, one after the other.
  /// f32: float keys (context/8, head_size, 8), values (context, head_size). q8, q4: as in AttentionQ8.
  std::byte* key_cache;
  std::byte* value_cache;
  KvSteps* kv_steps;       ///< q8, q4: (n_layers, n_kv_heads)
  WorkerScratch* workers;  ///< (worker_count)

  int dim_stride;  ///< dim rounded up to 8, as all that follow
  int kv_stride;
  int hidden_stride;
  int columns_stride;  ///< the longer of dim and hidden_dim; q4: to whole groups
  int logit_stride;
  int most_logits;          ///< tokens of a pass whose logits can be wanted
  int context;              ///< positions the cache holds, rounded up to 8
  size_t key_head_bytes;    ///< of one head's keys, all positions
  size_t value_head_bytes;  ///< of one head's values
  size_t kv_cache_bytes;    ///< of both caches; contiguous from key_cache

  /// Floats of the memory that q, k, v, hb, xb2, hb2, logits and sample_scratch share, from q on.
  size_t shared_floats() const;

  /// After x, q8 and q4 only: (kPrefillBlock, dim_stride / 8) sums of squares, written by residual_q8.
  float* x_squares() const { return x + kPrefillBlock * dim_stride; }
  /// (kPrefillBlock, worker_count): max_abs of each worker's part of weight * x.
  float* x_max_abs() const { return x_squares() + kPrefillBlock * dim_stride / kBlockRows; }
  /// The same of hb.
  float* hb_max_abs(int worker_count) const { return x_max_abs() + kPrefillBlock * worker_count; }

  /// The key/value cache comes from `cache`, which may be the same arena; all else from `arena`.
  static RunState allocate(const Config& config, Profile profile, int context, int worker_count,
                           int most_logits, Arena& arena, Arena& cache);
};

}  // namespace pico_llama
