#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "formats/checkpoint.h"
#include "trainer/model/aligned.h"

namespace pico_llama::trainer {

/// One kind of tensor, all layers of it after one another, in a flat array of every parameter.
struct TensorKind {
  const char* name;
  size_t offset;  ///< in elements
  size_t count;   ///< matrices: n_layers, or 1
  size_t rows;    ///< a norm's weights are one row
  size_t columns;

  bool is_matrix() const { return rows > 1; }
  size_t elements() const { return count * rows * columns; }
};

/// Layout of the tensors: llama2.c's legacy file order without the two RoPE tables. Source: llama2.c
/// export.py (legacy_export) and run.c (memory_map_weights).
struct Layout {
  Layout(const Config& config, bool shared_classifier);

  TensorKind token_embedding;  ///< [vocab_size, dim]
  TensorKind rms_att;          ///< n_layers of [dim]
  TensorKind wq;               ///< n_layers of [dim, dim]
  TensorKind wk;               ///< n_layers of [kv_dim, dim]
  TensorKind wv;               ///< n_layers of [kv_dim, dim]
  TensorKind wo;               ///< n_layers of [dim, dim]
  TensorKind rms_ffn;          ///< n_layers of [dim]
  TensorKind w1;               ///< n_layers of [hidden_dim, dim]
  TensorKind w2;               ///< n_layers of [dim, hidden_dim]
  TensorKind w3;               ///< n_layers of [hidden_dim, dim]
  TensorKind rms_final;        ///< [dim]
  TensorKind wcls;             ///< [vocab_size, dim]; the token embedding itself when shared
  bool shared_classifier;
  size_t total;

  /// Every distinct tensor kind, in file order.
  std::vector<TensorKind> all() const;
};

/// The bytes of a llama2.c legacy checkpoint.
std::string to_checkpoint_file(const Config& config, const Layout& layout,
                               const AlignedVector<float>& parameters);

/// A checkpoint's weights in the layout's order. Requires: the layout is of the checkpoint's shape.
AlignedVector<float> parameters_of(const formats::Checkpoint& checkpoint, const Layout& layout);

}  // namespace pico_llama::trainer
