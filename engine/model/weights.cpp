#include "engine/model/weights.h"

#include "engine/model/tensor_field.h"

namespace pico_llama {

TransformerWeights TransformerWeights::bind(const ModelImage& image, Arena& arena) {
  TransformerWeights w;
  w.shared_classifier = image.shared_classifier();
  w.layers = arena.alloc<LayerWeights>(static_cast<size_t>(image.config().n_layers));
  const auto opened = [&](TensorKind kind, uint32_t layer = 0) {
    Tensor tensor = image.tensor(kind, layer);
    tensor.row_shape = row_shape(static_cast<int>(tensor.columns), tensor.chunk_pairs);
    return tensor;
  };
  w.rope = opened(TensorKind::kRope);
  for (uint32_t l = 0; l < static_cast<uint32_t>(image.config().n_layers); ++l) {
    for (TensorKind kind : kLayerTensors) w.tensor(kind, l) = opened(kind, l);
  }
  w.rms_final = opened(TensorKind::kRmsFinal);
  w.token_embedding = opened(TensorKind::kTokenEmbedding);
  w.wcls = w.shared_classifier ? w.token_embedding : opened(TensorKind::kWcls);
  return w;
}

Tensor& TransformerWeights::tensor(TensorKind kind, uint32_t layer) {
  return tensor_field(*this, kind, layer);
}

void TransformerWeights::rebind(TensorKind kind, uint32_t layer, const std::byte* copy) {
  CHECK(reinterpret_cast<uintptr_t>(copy) % alignof(float) == 0);
  tensor(kind, layer).data = copy;
  if (kind == TensorKind::kTokenEmbedding && shared_classifier) wcls.data = copy;
}

}  // namespace pico_llama
