// The weights for forward(): one view per tensor, which may point at a copy in faster memory.
#pragma once
#include "engine/arena.h"
#include "engine/model/model_image.h"

namespace pico_llama {

struct LayerWeights {
  Tensor rms_att;  ///< (dim)
  Tensor wq;       ///< (dim, dim)
  Tensor wk;       ///< (kv_dim, dim)
  Tensor wv;       ///< (kv_dim, dim)
  Tensor wo;       ///< (dim, dim)
  Tensor rms_ffn;  ///< (dim)
  Tensor w1;       ///< (hidden_dim, dim)
  Tensor w3;       ///< (hidden_dim, dim)
  Tensor w2;       ///< (dim, hidden_dim)
};

struct TransformerWeights {
  Tensor rope;  ///< (seq_len, head_size): cos, sin pairs
  LayerWeights* layers = nullptr;
  Tensor rms_final;        ///< (dim)
  Tensor token_embedding;  ///< (vocab_size, dim)
  Tensor wcls;             ///< (logit_count(), dim); the same memory as token_embedding when shared

  /// Allocates the layers' views (32 B per tensor) and points every view into the image.
  static TransformerWeights bind(const ModelImage& image, Arena& arena);

  /// The view of one tensor, to read or to point elsewhere.
  Tensor& tensor(TensorKind kind, uint32_t layer = 0);

  /// Points a tensor at a copy of its bytes: same layout, same length, aligned to 4. A shared classifier
  /// moves with the token embedding table.
  void rebind(TensorKind kind, uint32_t layer, const std::byte* copy);

  bool shared_classifier = true;
};

}  // namespace pico_llama
