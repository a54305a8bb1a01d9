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
enum class Format { kLlama2cLegacy, kLlama2cVersion1, kLlama2cVersion2, kSafetensors, kGguf };
const char* format_name(Format format);

/// A trained model read from any format: its shape is valid and every weight finite.
struct Checkpoint {
  Format format = Format::kLlama2cLegacy;
  Config config;
  bool shared_classifier = true;  ///< wcls is the token embedding
  std::uint32_t group_size = 0;   ///< q80 elements that share a scale; 0 unless llama2.c's version 2
  float rope_base = 10000.0f;     ///< RoPE frequencies are rope_base^(-2i/head_size)
  float rms_eps = 1e-5f;
  std::string name, licence, authors;  ///< as the file says, of any bytes; empty where it does not
  Weights weights;

  std::vector<std::span<const std::uint8_t>> bytes;  ///< of all files it was read from
  std::vector<MappedFile> files;                     ///< keep the bytes; empty when the caller does

  /// A file of any format, detected from its first bytes, or a folder with a config.json and safetensors
  /// files.
  /// Errors: Failure that says what is wrong with the file and what to do.
  static Checkpoint open(const std::string& path);

  std::uint64_t file_bytes() const;
};

/// Errors: Failure unless rope_base and rms_eps are numbers that a model can have.
void require_numbers(const Checkpoint& checkpoint, const std::string& name);

/// Errors: Failure that names the first value that is infinite or not a number: it would spread to every
/// logit.
void check_finite(const Weights& weights, const std::string& name);

}  // namespace pico_llama::formats
