// Logits to one token.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/sampling/rng.h"
#include "engine/status.h"
#include "engine/workers.h"

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

  /// Picks a token. Changes logits. run.c's choice when topk, minp and repetition_penalty are off: same coin,
  /// same cutoff, the same order of tokens, equal ones in order of id. run.c's probabilities depend on its
  /// order of sums, ours do not: weights are integers (SoftmaxFixed), within 1e-6 of e^(logit / temperature),
  /// their sums exact, whatever the number of workers. `seen`: the tokens so far, for the repetition penalty.
  /// Cost: O(vocab), shared by the workers; top-p, top-k and min-p add O(k log vocab) for the k tokens they
  /// look at.
  int32_t sample(std::span<float> logits, std::span<const int32_t> seen, Workers& workers);
  int32_t sample(std::span<float> logits, std::span<const int32_t> seen);

 private:
  struct Crew;
  bool filters() const { return topp_ != 0 || options_.topk > 0 || options_.minp > 0.0f; }
  void penalize(std::span<float> logits, std::span<const int32_t> seen) const;
  /// The least weight that can be in the nucleus if `others` or fewer are outside or above it: those together
  /// would be less than 1 - topp. Requires: filters().
  uint32_t cutoff(uint64_t sum, size_t others) const;
  /// One of all, in order of id; one of those whose ids the scratch memory has first, the most likely first.
  int32_t draw_any(std::span<const float> weights, uint64_t sum);
  int32_t draw(std::span<const float> weights, size_t count, uint64_t enough);

  SamplerOptions options_{};
  Rng rng_{1};
  std::span<uint32_t> scratch_{};
  uint32_t topp_ = 0;  ///< with 32 fractional bits; 0: off
  float octaves_ = 0;  ///< 2^27 / ln(2) / temperature
};

}  // namespace pico_llama
