#include "formats/llama_builder.h"

#include <fmt/format.h>

namespace pico_llama::formats {

void find_weights(Checkpoint& checkpoint, const TensorNames& names, const FindTensor& find) {
  const Config& config = checkpoint.config;
  const auto dim = static_cast<std::uint64_t>(config.dim);
  const auto kv_dim = static_cast<std::uint64_t>(config.kv_dim());
  const auto hidden_dim = static_cast<std::uint64_t>(config.hidden_dim);
  const auto vocab_size = static_cast<std::uint64_t>(config.vocab_size);
  Weights& weights = checkpoint.weights;
  weights.token_embedding = find(names.token_embedding, vocab_size, dim);
  weights.layers.clear();
  for (std::int32_t l = 0; l < config.n_layers; ++l) {
    const auto of_layer = [&](const char* name, std::uint64_t rows, std::uint64_t columns) {
      return find(fmt::format(fmt::runtime(name), l), rows, columns);
    };
    weights.layers.push_back({.rms_att = of_layer(names.rms_att, 1, dim),
                              .wq = of_layer(names.wq, dim, dim),
                              .wk = of_layer(names.wk, kv_dim, dim),
                              .wv = of_layer(names.wv, kv_dim, dim),
                              .wo = of_layer(names.wo, dim, dim),
                              .rms_ffn = of_layer(names.rms_ffn, 1, dim),
                              .w1 = of_layer(names.w1, hidden_dim, dim),
                              .w2 = of_layer(names.w2, dim, hidden_dim),
                              .w3 = of_layer(names.w3, hidden_dim, dim)});
  }
  weights.rms_final = find(names.rms_final, 1, dim);
  weights.wcls = checkpoint.shared_classifier ? weights.token_embedding : find(names.wcls, vocab_size, dim);
}

const char* why_unused(std::string_view tensor) {
  const auto has = [tensor](std::string_view part) { return tensor.find(part) != std::string_view::npos; };
  if (tensor.ends_with(".bias")) return "is a bias; biases are not supported";
  if (has("q_norm") || has("k_norm")) return "normalises queries or keys, which is not supported";
  if (has("expert") || has("_exps") || has("_inp"))
    return "belongs to a mixture of experts, which is not supported";
  return "is not part of a Llama model";
}

std::shared_ptr<const std::vector<std::uint32_t>> rows_of_half_rotation(int heads, int head_size) {
  auto rows = std::make_shared<std::vector<std::uint32_t>>();
  for (int head = 0; head < heads; ++head)
    for (int row = 0; row < head_size; ++row)
      rows->push_back(static_cast<std::uint32_t>(head * head_size + row / 2 + row % 2 * (head_size / 2)));
  return rows;
}

}  // namespace pico_llama::formats
