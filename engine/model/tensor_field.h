// Maps a tensor kind to the struct field of that name, for every struct with llama2.c's field names.
#pragma once
#include <cstdint>

#include "engine/check.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama {

/// Requires: the kind exists in this structure (a checkpoint has no RoPE table).
template <typename Weights>
auto& tensor_field(Weights& w, TensorKind kind, uint32_t layer) {
  switch (kind) {
    case TensorKind::kRmsAtt:
      return w.layers[layer].rms_att;
    case TensorKind::kWq:
      return w.layers[layer].wq;
    case TensorKind::kWk:
      return w.layers[layer].wk;
    case TensorKind::kWv:
      return w.layers[layer].wv;
    case TensorKind::kWo:
      return w.layers[layer].wo;
    case TensorKind::kRmsFfn:
      return w.layers[layer].rms_ffn;
    case TensorKind::kW1:
      return w.layers[layer].w1;
    case TensorKind::kW3:
      return w.layers[layer].w3;
    case TensorKind::kW2:
      return w.layers[layer].w2;
    case TensorKind::kRmsFinal:
      return w.rms_final;
    case TensorKind::kTokenEmbedding:
      return w.token_embedding;
    case TensorKind::kWcls:
      return w.wcls;
    case TensorKind::kRope:
      if constexpr (requires { w.rope; }) return w.rope;
      break;
  }
  CHECK(!"a kind of tensor that this structure has");
  return w.rms_final;
}

}  // namespace pico_llama
