// What begins a story or is rarely asked for: the firmware leaves this in flash.
#include "engine/check.h"
#include "engine/math/fixed.h"
#include "engine/sampling/sampler.h"

namespace pico_llama {
namespace {

Status bad_option(const char* text) { return {StatusCode::kInvalidArgument, text}; }

}  // namespace

Status SamplerOptions::validate() const {
  // Written so that NaN fails each of them.
  if (!(temperature >= 0.0f && temperature <= 1e6f))
    return bad_option("temperature must be a number from 0 (greedy) up");
  if (!(topp >= 0.0f && topp <= 1.0f)) return bad_option("top-p must be from 0 to 1");
  if (topk < 0) return bad_option("top-k must be 0 (off) or more");
  if (!(minp >= 0.0f && minp <= 1.0f)) return bad_option("min-p must be from 0 to 1");
  if (!(repetition_penalty > 0.0f && repetition_penalty <= 1e6f))
    return bad_option("the repetition penalty must be above 0 (1 is off)");
  if (seed == 0) return bad_option("the seed must not be 0");
  return {};
}

Sampler::Sampler(const SamplerOptions& options, std::span<uint32_t> scratch)
    : options_(options), rng_(options.seed), scratch_(scratch) {
  CHECK(options.validate().ok());
  constexpr float kOctaves = 193635251.0f;  // 2^27 / ln(2)
  octaves_ = kOctaves / options.temperature;
  if (options.topp > 0.0f && options.topp < 1.0f) {
    topp_ = to_fixed_unsigned(options.topp * 0x1p32f);
    if (topp_ == 0) topp_ = 1;
  }
}

void Sampler::penalize(std::span<float> logits, std::span<const int32_t> seen) const {
  // Each token once, however often it was seen: a mark a token, in the scratch memory.
  for (size_t i = 0; i < logits.size(); ++i) scratch_[i] = 0;
  for (const int32_t token : seen) {
    const auto id = static_cast<size_t>(token);
    if (scratch_[id]++ != 0) continue;
    logits[id] =
        logits[id] > 0 ? logits[id] / options_.repetition_penalty : logits[id] * options_.repetition_penalty;
  }
}

}  // namespace pico_llama
