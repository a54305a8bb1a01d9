// How far apart the values of the q8 key/value cache lie: constants of the model, computed at load.
#pragma once
#include "engine/model/config.h"
#include "engine/model/weights.h"

namespace pico_llama {

/// Of one kv head. A cached key is k * code * key with |k| <= 127 and a code of 1 to 255 of its own, a cached
/// value v * value with |v| <= 127.
struct KvSteps {
  float key;
  float value;
  float inverse_key;
  float inverse_value;
};

/// Whether no value can be above 127 of its steps: 8 |w| is then not less than what the norm allows.
constexpr bool values_fit(const Config& c) { return c.dim <= 64; }

/// rmsnorm leaves |x| = sqrt(dim), so no element of w x is above sqrt(dim) * |w| (Cauchy-Schwarz), w a row of
/// wk or wv times the norm's weights, and no pair of them that RoPE rotates above the same of both rows. That
/// is the range of keys, plus 1 % for rounding; values get 8 |w| where that is less, and are clamped there.
/// scratch: (dim). steps: (n_layers, n_kv_heads). Cost: every weight of wk and wv once.
void compute_kv_steps(const Config& config, const LayerWeights* layers, float* scratch, KvSteps* steps);

}  // namespace pico_llama
