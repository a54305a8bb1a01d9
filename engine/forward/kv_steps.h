// Quantisation scales of the q8 KV cache: per-head constants of the model, computed at load.
#pragma once
#include "engine/model/config.h"
#include "engine/model/weights.h"

namespace pico_llama {

/// For one KV head. A cached key is k * code * key with |k| <= 127 and a code of its own, 1 to 255; a cached
/// value is v * value with -128 <= v <= 127.
struct KvSteps {
  float key;
  float value;
  float inverse_key;
  float inverse_value;
};

/// Whether values need no clamp: for dim <= 64 the range 8 |w| covers the bound sqrt(dim) |w|.
constexpr bool values_fit(const Config& c) { return c.dim <= 64; }

/// rmsnorm's output has |x| = sqrt(dim), so |w x| <= sqrt(dim) |w| (Cauchy-Schwarz), where w is a row of wk
/// or wv times the norm's weights; a pair rotated by RoPE is bounded by the norm of both rows. Keys get that
/// range plus 1 % for rounding; values get 8 |w| if that is smaller, and are clamped. scratch: (dim). steps:
/// (n_layers, n_kv_heads). Cost: reads wk and wv once.
void compute_kv_steps(const Config& config, const LayerWeights* layers, float* scratch, KvSteps* steps);

}  // namespace pico_llama
