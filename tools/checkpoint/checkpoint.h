#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "tools/checkpoint/tensor.h"
#include "tools/support/mapped_file.h"

namespace pico_llama::checkpoint {

/// What a llama2.c header says. Always valid once a Checkpoint exists.
struct Header {
  enum class Format { kLegacy, kVersion1, kVersion2 };

  Format format = Format::kLegacy;
  Config config;
  bool shared_classifier = true;  ///< wcls is the token embedding
  std::uint32_t group_size = 0;   ///< q80 elements that share a scale; 0 unless version 2

  const char* format_name() const;
};

/// The tensors of one layer.
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

/// The tensors of a whole checkpoint, in file encoding.
struct Weights {
  Tensor token_embedding;  ///< [vocab_size, dim]
  std::vector<Layer> layers;
  Tensor rms_final;  ///< [dim]
  Tensor wcls;       ///< [vocab_size, dim]; the token embedding when the classifier is shared

  /// Every distinct tensor once, in a fixed order: embedding, layers, rms_final, an unshared wcls.
  std::vector<const Tensor*> all() const;
};

/// A llama2.c checkpoint: legacy fp32, version 1 (fp32) or version 2 (q80).
/// Source: llama2.c export.py (legacy_export, version1_export, version2_export) and run.c, runq.c.
class Checkpoint {
 public:
  /// Maps and checks a whole file: header, exact size, finite weights.
  /// Errors: Failure that says what is wrong with the file and what to do.
  static Checkpoint open(const std::string& path);

  /// The same over bytes that outlive the checkpoint; `name` stands for the file in messages.
  static Checkpoint parse(std::span<const std::uint8_t> bytes, const std::string& name);

  const Header& header() const { return header_; }
  const Weights& weights() const { return weights_; }
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  Checkpoint() = default;

  MappedFile file_;  // empty when parse() was given the bytes
  std::span<const std::uint8_t> bytes_;
  Header header_;
  Weights weights_;
};

}  // namespace pico_llama::checkpoint
