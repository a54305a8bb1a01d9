#include "engine/model/weights.h"

namespace pico_llama {

TransformerWeights TransformerWeights::bind(const ModelImage& image, Arena& arena) {
  TransformerWeights w;
  w.shared_classifier = image.shared_classifier();
  w.layers = arena.alloc<LayerWeights>(static_cast<size_t>(image.config().n_layers));
  w.rope = image.tensor(TensorKind::kRope);
  for (uint32_t l = 0; l < static_cast<uint32_t>(image.config().n_layers); ++l) {
    for (TensorKind kind : kLayerTensors) w.tensor(kind, l) = image.tensor(kind, l);
  }
  w.rms_final = image.tensor(TensorKind::kRmsFinal);
  w.token_embedding = image.tensor(TensorKind::kTokenEmbedding);
  w.wcls = w.shared_classifier ? w.token_embedding : image.tensor(TensorKind::kWcls);
  return w;
}

Tensor& TransformerWeights::tensor(TensorKind kind, uint32_t layer) {
  switch (kind) {
    case TensorKind::kRope:
      return rope;
    case TensorKind::kRmsAtt:
      return layers[layer].rms_att;
    case TensorKind::kWq:
      return layers[layer].wq;
    case TensorKind::kWk:
      return layers[layer].wk;
    case TensorKind::kWv:
      return layers[layer].wv;
    case TensorKind::kWo:
      return layers[layer].wo;
    case TensorKind::kRmsFfn:
      return layers[layer].rms_ffn;
    case TensorKind::kW1:
      return layers[layer].w1;
    case TensorKind::kW3:
      return layers[layer].w3;
    case TensorKind::kW2:
      return layers[layer].w2;
    case TensorKind::kRmsFinal:
      return rms_final;
    case TensorKind::kTokenEmbedding:
      return token_embedding;
    case TensorKind::kWcls:
      return wcls;
  }
  CHECK(!"a tensor kind");
  return rope;
}

void TransformerWeights::rebind(TensorKind kind, uint32_t layer, const std::byte* copy) {
  CHECK(reinterpret_cast<uintptr_t>(copy) % alignof(float) == 0);
  tensor(kind, layer).data = copy;
  if (kind == TensorKind::kTokenEmbedding && shared_classifier) wcls.data = copy;
}

}  // namespace pico_llama
