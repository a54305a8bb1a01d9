#include "engine/sampler.h"

#include "engine/check.h"
#include "engine/math/exp.h"
#include "kernels_backend.h"

namespace pico_llama {
namespace {

/// In place: exp(x - max) / sum, in run.c's order.
void softmax(std::span<float> x) {
  float max = x[0];
  for (float v : x) max = v > max ? v : max;
  for (float& v : x) v = exp(v - max);
  float sum = 0;
  for (float v : x) sum += v;
  for (float& v : x) v /= sum;
}

/// Ids in a heap, most likely first, equals by id. pop() leaves what it took behind the heap, so that the
/// popped ones can be walked again from the end.
class Likeliest {
 public:
  Likeliest(std::span<uint32_t> ids, std::span<const float> p) : ids_(ids), p_(p), count_(ids.size()) {
    for (size_t at = count_ / 2; at-- > 0;) sink(at);
  }
  uint32_t pop() {
    const uint32_t best = ids_[0];
    ids_[0] = ids_[--count_];
    ids_[count_] = best;
    sink(0);
    return best;
  }

 private:
  bool before(uint32_t a, uint32_t b) const { return p_[a] > p_[b] || (p_[a] == p_[b] && a < b); }
  void sink(size_t at) {
    const uint32_t id = ids_[at];
    for (size_t child = 2 * at + 1; child < count_; child = 2 * at + 1) {
      if (child + 1 < count_ && before(ids_[child + 1], ids_[child])) ++child;
      if (!before(ids_[child], id)) break;
      ids_[at] = ids_[child];
      at = child;
    }
    ids_[at] = id;
  }

  std::span<uint32_t> ids_;
  std::span<const float> p_;
  size_t count_;
};

}  // namespace

int32_t argmax(std::span<const float> values) {
  int32_t index = 0;
  kernels::argmax({&index, values.data(), static_cast<int>(values.size())});
  return index;
}

int32_t Sampler::sample(std::span<float> logits, std::span<const int32_t> seen) {
  CHECK(!logits.empty() && scratch_.size() >= logits.size());
  if (options_.repetition_penalty != 1.0f) {
    // Each token once, however often it was seen: a mark a token, in the scratch memory.
    for (size_t i = 0; i < logits.size(); ++i) scratch_[i] = 0;
    for (const int32_t token : seen) {
      const auto id = static_cast<size_t>(token);
      if (scratch_[id]++ != 0) continue;
      logits[id] = logits[id] > 0 ? logits[id] / options_.repetition_penalty
                                  : logits[id] * options_.repetition_penalty;
    }
  }
  if (options_.temperature == 0.0f) return argmax(logits);
  for (float& v : logits) v /= options_.temperature;
  softmax(logits);
  const float coin = rng_.next_f32();
  const bool nucleus = options_.topp > 0.0f && options_.topp < 1.0f;
  return nucleus || options_.topk > 0 || options_.minp > 0.0f ? sample_top(logits, coin)
                                                              : sample_mult(logits, coin);
}

int32_t Sampler::sample_mult(std::span<const float> probabilities, float coin) const {
  float cdf = 0.0f;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    cdf += probabilities[i];
    if (coin < cdf) return static_cast<int32_t>(i);
  }
  return static_cast<int32_t>(probabilities.size()) - 1;  // in case of rounding errors
}

int32_t Sampler::sample_top(std::span<float> probabilities, float coin) {
  const size_t n = probabilities.size();
  const bool nucleus = options_.topp > 0.0f && options_.topp < 1.0f;
  const float topp = nucleus ? options_.topp : 2.0f;
  // What is below this cannot be in the nucleus: the n - 1 others together would be less than 1 - topp.
  float cutoff = nucleus && n > 1 ? (1.0f - topp) / static_cast<float>(n - 1) : 0.0f;
  if (options_.minp > 0.0f) {
    const float best = probabilities[static_cast<size_t>(argmax(probabilities))];
    if (options_.minp * best > cutoff) cutoff = options_.minp * best;
  }
  size_t candidates = 0;
  for (size_t i = 0; i < n; ++i)
    if (probabilities[i] >= cutoff) scratch_[candidates++] = static_cast<uint32_t>(i);
  if (candidates == 0) return argmax(probabilities);  // only where the logits were not numbers

  const size_t most = options_.topk > 0 && static_cast<size_t>(options_.topk) < candidates
                          ? static_cast<size_t>(options_.topk)
                          : candidates;
  Likeliest likeliest(scratch_.first(candidates), probabilities);
  float cumulative = 0.0f;
  size_t kept = 0;
  while (kept < most) {
    cumulative += probabilities[likeliest.pop()];
    ++kept;
    if (cumulative > topp) break;
  }
  const float r = coin * cumulative;
  float cdf = 0.0f;
  for (size_t i = 0; i < kept; ++i) {
    const uint32_t id = scratch_[candidates - 1 - i];
    cdf += probabilities[id];
    if (r < cdf) return static_cast<int32_t>(id);
  }
  return static_cast<int32_t>(scratch_[candidates - kept]);  // in case of rounding errors
}

}  // namespace pico_llama
