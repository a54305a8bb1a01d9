#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "formats/mapped_file.h"
#include "formats/tensor.h"

namespace pico_llama::formats {

/// The tensors of one layer, named as in llama2.c.
struct Layer {
  Tensor rms_att;  ///< [dim]
  Tensor wq;       ///< [dim, dim]
  Tensor wk;       ///< [kv_dim, dim]
  Tensor wv;       ///< [kv_dim, dim]
  Tensor wo;       ///< [dim, dim]
  Tensor rms_ffn;  ///< [dim]
  Tensor w1;       ///< [hidden_dim, dim]
  Tensor w2;       ///< [dim, hidden_dim]
  Tensor w3;       ///< [hidden_dim, dim]
};

/// The tensors of a whole model, in the file's encoding.
struct Weights {
  Tensor token_embedding;  ///< [vocab_size, dim]
  std::vector<Layer> layers;
  Tensor rms_final;  ///< [dim]
  Tensor wcls;       ///< [vocab_size, dim]; the token embedding when the classifier is shared

  /// Every distinct tensor once: embedding, layers, rms_final, an unshared wcls.
  std::vector<const Tensor*> all() const;
};

/// The file formats that a checkpoint is read from.
enum class Format { kLlama2cLegacy, kLlama2cVersion1, kLlama2cVersion2 };
const char* format_name(Format format);

/// A trained model as some file format has it: always of a valid shape, with every weight finite.
struct Checkpoint {
  Format format = Format::kLlama2cLegacy;
  Config config;
  bool shared_classifier = true;  ///< wcls is the token embedding
  std::uint32_t group_size = 0;   ///< q80 elements that share a scale; 0 unless llama2.c's version 2
  Weights weights;

  std::span<const std::uint8_t> bytes;  ///< the whole file
  MappedFile mapping;                   ///< keeps the bytes; empty when the caller does

  /// Errors: Failure that says what is wrong with the file and what to do.
  static Checkpoint open(const std::string& path);
};

/// Errors: Failure that names the first value that is infinite or not a number: it would spread to every
/// logit.
void check_finite(const Weights& weights, const std::string& name);

}  // namespace pico_llama::formats
