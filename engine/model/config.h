// The shape of a model: llama2.c's Config and derived sizes.
#pragma once
#include <cstdint>

#include "engine/status.h"

namespace pico_llama {

/// How weights are stored and what the arithmetic is (SPEC.md, "Arithmetic").
enum class Profile : uint32_t { kF32 = 0, kQ8 = 1, kQ4 = 2 };

/// Its name in commands and documents.
constexpr const char* profile_name(Profile profile) {
  switch (profile) {
    case Profile::kF32:
      return "f32";
    case Profile::kQ8:
      return "q8";
    case Profile::kQ4:
      return "q4";
  }
  return "?";
}

/// Tokens per prefill pass.
inline constexpr int kPrefillBlock = 8;
/// Rows per interleaved weight block.
inline constexpr int kBlockRows = 8;

constexpr int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

struct Config {
  int32_t dim = 0;         ///< transformer dimension
  int32_t hidden_dim = 0;  ///< of the feed-forward layers
  int32_t n_layers = 0;
  int32_t n_heads = 0;     ///< query heads
  int32_t n_kv_heads = 0;  ///< key/value heads; query heads share them in groups
  int32_t vocab_size = 0;
  int32_t seq_len = 0;  ///< longest context the model was trained for
  int32_t n_logits =
      0;  ///< rows of a classifier that has fewer than vocab_size: those of the first tokens; else 0

  /// Tokens that the model can say; it reads all of vocab_size.
  constexpr int logit_count() const { return n_logits != 0 ? n_logits : vocab_size; }
  constexpr int head_size() const { return dim / n_heads; }
  constexpr int kv_dim() const { return head_size() * n_kv_heads; }
  /// Query heads per key/value head.
  constexpr int kv_mul() const { return n_heads / n_kv_heads; }

  /// Errors: kCorruptImage with the numbers for any shape the engine cannot run: not positive, above the
  /// limits below, heads that do not divide, an odd head size (RoPE rotates pairs).
  Status validate() const;

  friend bool operator==(const Config&, const Config&) = default;
};

/// Upper limits of a shape. They keep every size of one tensor, counted in elements, below 2^36 and every
/// index of a row or column in int32.
inline constexpr int32_t kMaxDim = 1 << 16;
inline constexpr int32_t kMaxHiddenDim = 1 << 18;
inline constexpr int32_t kMaxLayers = 1 << 10;
inline constexpr int32_t kMaxVocab = 1 << 20;
inline constexpr int32_t kMaxSeqLen = 1 << 17;

}  // namespace pico_llama
