#include "trainer/model/parameters.h"

#include "formats/llama2c.h"

namespace pico_llama::trainer {
Layout::Layout(const Config& config, bool shared) : shared_classifier(shared), total(0) {
  const auto dim = static_cast<size_t>(config.dim);
  const auto kv_dim = static_cast<size_t>(config.kv_dim());
  const auto hidden = static_cast<size_t>(config.hidden_dim);
  const auto layers = static_cast<size_t>(config.n_layers);
  const auto vocab = static_cast<size_t>(config.vocab_size);
  const auto place = [&](const char* name, size_t count, size_t rows, size_t columns) {
    const TensorKind kind{name, total, count, rows, columns};
    total += kind.elements();
    return kind;
  };
  token_embedding = place("token_embedding", 1, vocab, dim);
  rms_att = place("rms_att", layers, 1, dim);
  wq = place("wq", layers, dim, dim);
  wk = place("wk", layers, kv_dim, dim);
  wv = place("wv", layers, kv_dim, dim);
  wo = place("wo", layers, dim, dim);
  rms_ffn = place("rms_ffn", layers, 1, dim);
  w1 = place("w1", layers, hidden, dim);
  w2 = place("w2", layers, dim, hidden);
  w3 = place("w3", layers, hidden, dim);
  rms_final = place("rms_final", 1, 1, dim);
  wcls = shared ? token_embedding : place("wcls", 1, vocab, dim);
}

std::vector<TensorKind> Layout::all() const {
  std::vector<TensorKind> kinds{token_embedding, rms_att, wq, wk, wv, wo, rms_ffn, w1, w2, w3, rms_final};
  if (!shared_classifier) kinds.push_back(wcls);
  return kinds;
}

std::string to_checkpoint_file(const Config& config, const Layout& layout,
                               const AlignedVector<float>& parameters) {
  return formats::to_llama2c_legacy(config, layout.shared_classifier, {parameters.data(), layout.total});
}

AlignedVector<float> parameters_of(const formats::Checkpoint& checkpoint, const Layout& layout) {
  AlignedVector<float> parameters(layout.total);
  const auto copy = [&parameters](const formats::Tensor& tensor, const TensorKind& kind, size_t layer) {
    const size_t elements = kind.rows * kind.columns;
    tensor.read(0, {parameters.data() + kind.offset + layer * elements, elements});
  };
  const formats::Weights& weights = checkpoint.weights;
  copy(weights.token_embedding, layout.token_embedding, 0);
  for (size_t l = 0; l < weights.layers.size(); ++l) {
    const formats::Layer& layer = weights.layers[l];
    copy(layer.rms_att, layout.rms_att, l);
    copy(layer.wq, layout.wq, l);
    copy(layer.wk, layout.wk, l);
    copy(layer.wv, layout.wv, l);
    copy(layer.wo, layout.wo, l);
    copy(layer.rms_ffn, layout.rms_ffn, l);
    copy(layer.w1, layout.w1, l);
    copy(layer.w2, layout.w2, l);
    copy(layer.w3, layout.w3, l);
  }
  copy(weights.rms_final, layout.rms_final, 0);
  if (!layout.shared_classifier) copy(weights.wcls, layout.wcls, 0);
  return parameters;
}

}  // namespace pico_llama::trainer
