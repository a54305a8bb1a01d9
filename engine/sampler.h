// Logits to one token.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/rng.h"
#include "engine/status.h"

namespace pico_llama {

/// The defaults are llama2.c's.
struct SamplerOptions {
  float temperature = 1.0f;  ///< 0: always the most likely token
  float topp = 0.9f;         ///< nucleus; 0 or 1 and above: off
  int32_t topk = 0;          ///< only the k most likely; 0: off
  float minp = 0.0f;         ///< only tokens at least this times as likely as the best; 0: off
  float repetition_penalty =
      1.0f;  ///< logits of tokens already in the text are divided (or multiplied) by it; 1: off
  uint64_t seed = 1;

  /// Errors: kInvalidArgument for NaN, negative or out of range, and for seed 0.
  Status validate() const;
};

class Sampler {
 public:
  Sampler() = default;
  /// Scratch: vocab_size uint32.
  Sampler(const SamplerOptions& options, std::span<uint32_t> scratch);

  /// Picks a token. Changes logits (into probabilities unless temperature is 0). Exactly run.c's choice when
  /// topk, minp and repetition_penalty are off: same coin, same softmax order, same cutoff, and equal
  /// probabilities in order of id. `seen`: the tokens so far, for the repetition penalty. Cost: O(vocab);
  /// top-p, top-k and min-p add O(k log vocab) for the k tokens they look at.
  int32_t sample(std::span<float> logits, std::span<const int32_t> seen);

 private:
  int32_t sample_mult(std::span<const float> probabilities, float coin) const;
  int32_t sample_top(std::span<float> probabilities, float coin);

  SamplerOptions options_{};
  Rng rng_{1};
  std::span<uint32_t> scratch_{};
};

/// Index of the largest, the first if several.
int32_t argmax(std::span<const float> values);

}  // namespace pico_llama
