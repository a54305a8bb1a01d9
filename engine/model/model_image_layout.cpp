#include "engine/model/model_image_layout.h"

#include <cstring>

#include "engine/check.h"
#include "engine/model/q4_layout.h"

namespace pico_llama {
namespace {

TensorShape vector_shape(TensorKind kind, uint32_t layer, uint32_t n) {
  return {kind, layer, 1, n, Encoding::kPlainF32};
}

}  // namespace

TensorShape tensor_shape(const Config& c, Profile profile, bool shared_classifier, uint32_t index) {
  CHECK(index < tensor_count(c, shared_classifier));
  const auto dim = static_cast<uint32_t>(c.dim);
  const auto hidden = static_cast<uint32_t>(c.hidden_dim);
  const auto kv_dim = static_cast<uint32_t>(c.kv_dim());
  const auto vocab = static_cast<uint32_t>(c.vocab_size);
  const Encoding rows = profile == Profile::kF32  ? Encoding::kRowsF32
                        : profile == Profile::kQ8 ? Encoding::kRowsQ8
                                                  : Encoding::kRowsQ4;
  if (index == 0)
    return {TensorKind::kRope, 0, static_cast<uint32_t>(c.seq_len), static_cast<uint32_t>(c.head_size()),
            Encoding::kPlainF32};
  index -= 1;
  const auto layers = static_cast<uint32_t>(c.n_layers);
  if (index < layers * kTensorsPerLayer) {
    const uint32_t layer = index / kTensorsPerLayer;
    const TensorKind kind = kLayerTensors[index % kTensorsPerLayer];
    switch (kind) {
      case TensorKind::kRmsAtt:
      case TensorKind::kRmsFfn:
        return vector_shape(kind, layer, dim);
      case TensorKind::kWk:
      case TensorKind::kWv:
        return {kind, layer, kv_dim, dim, rows};
      case TensorKind::kW1:
      case TensorKind::kW3:
        return {kind, layer, hidden, dim, rows};
      case TensorKind::kW2:
        return {kind, layer, dim, hidden, rows};
      default:
        return {kind, layer, dim, dim, rows};
    }
  }
  index -= layers * kTensorsPerLayer;
  if (index == 0) return vector_shape(TensorKind::kRmsFinal, 0, dim);
  if (index == 1) return {TensorKind::kTokenEmbedding, 0, vocab, dim, rows};
  return {TensorKind::kWcls, 0, static_cast<uint32_t>(c.logit_count()), dim, rows};
}

uint64_t tensor_bytes(Encoding encoding, uint32_t rows, uint32_t columns) {
  switch (encoding) {
    case Encoding::kPlainF32:
      return uint64_t{rows} * columns * sizeof(float);
    case Encoding::kRowsF32:
      return block_count(rows) * f32_block_floats(columns) * sizeof(float);
    case Encoding::kRowsQ8:
      return block_count(rows) * q8_block_bytes(columns);
    case Encoding::kRowsQ4:
      return block_count(rows) * q4_block_bytes(columns);
  }
  CHECK(!"an encoding");
  return 0;
}

Q8Norms q8_norms(std::span<const std::byte> tensor, uint32_t rows, uint32_t columns, uint32_t chunk_pairs) {
  CHECK(chunk_pairs > 0 && tensor.size() >= tensor_bytes(Encoding::kRowsQ8, rows, columns));
  Q8Norms norms{};
  const uint32_t pairs = q8_columns(columns) / 2;
  for (uint32_t block = 0; block < block_count(rows); ++block) {
    const std::byte* words = tensor.data() + block * q8_block_bytes(columns) + kQ8ScaleBytes;
    int64_t row_l1[kBlockRows] = {};
    int64_t chunk_l1[kBlockRows] = {};
    for (uint32_t pair = 0; pair < pairs; ++pair) {
      if (pair % chunk_pairs == 0)
        for (int64_t& l1 : chunk_l1) l1 = 0;
      for (uint32_t r = 0; r < kBlockRows; ++r) {
        uint32_t word;
        std::memcpy(&word, words + pair * 16 + r / 2 * 4, sizeof word);
        const int a = q8_weight(word, r, 0);
        const int b = q8_weight(word, r, 1);
        const int l1 = (a < 0 ? -a : a) + (b < 0 ? -b : b);
        row_l1[r] += l1;
        chunk_l1[r] += l1;
        if (row_l1[r] > norms.max_row_l1) norms.max_row_l1 = row_l1[r];
        if (chunk_l1[r] > norms.max_chunk_l1) norms.max_chunk_l1 = chunk_l1[r];
      }
    }
  }
  return norms;
}

}  // namespace pico_llama
