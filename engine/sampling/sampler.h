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
  float topp = 0.9f;         ///< nucleus, 0 to 1; 0 and 1: off
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

  /// Other options from the next token on, but for the seed: the random numbers go on.
  void change(const SamplerOptions& options);

  /// Picks a token; modifies logits. Chooses as run.c does when top-k, min-p and repetition penalty are off:
  /// same coin, cutoff and order (ties by id). run.c's probabilities depend on its summation order; ours are
  /// integer weights (SoftmaxFixed) within 1e-6 of e^(logit / temperature) with exact sums, for any number of
  /// workers. `seen`: tokens so far, for the repetition penalty. Cost: O(vocab) split among workers; filters
  /// add O(k log vocab) for k inspected tokens.
  int32_t sample(std::span<float> logits, std::span<const int32_t> seen, Workers& workers);
  int32_t sample(std::span<float> logits, std::span<const int32_t> seen);

 private:
  struct Job;
  bool filters() const { return topp_ != 0 || options_.topk > 0 || options_.minp > 0.0f; }
  void penalize(std::span<float> logits, std::span<const int32_t> seen) const;
  /// Lower bound on the weight of a nucleus token, given that at most `others` tokens lie outside the nucleus
  /// or above it: those together weigh less than 1 - topp. Requires: filters().
  uint32_t cutoff(uint64_t sum, size_t others) const;
  /// draw_any(): samples from all tokens in id order. draw(): samples from the first `count` ids in the
  /// scratch memory, most likely first.
  int32_t draw_any(std::span<const float> weights, uint64_t sum);
  int32_t draw(std::span<const float> weights, size_t count, uint64_t enough);

  SamplerOptions options_{};
  Rng rng_{1};
  std::span<uint32_t> scratch_{};
  uint32_t topp_ = 0;  ///< with 32 fractional bits; 0: off
  float octaves_ = 0;  ///< 2^27 / ln(2) / temperature
};

}  // namespace pico_llama
