#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/model/model_image.h"

namespace pico_llama::packer {

/// Sum of x xᵀ over the inputs x that a matrix multiplied: how much each direction of an error in its rows
/// costs.
struct Moments {
  std::size_t n = 0;
  std::vector<double> sums;  ///< (n, n), symmetric

  double at(std::size_t i, std::size_t j) const { return sums[i * n + j]; }
};

/// The input moments of every matrix of a model, over stories that the model generates.
class InputMoments {
 public:
  /// Runs the model on `tokens` positions of its own stories, sampled with seeds that `pico-llama eval` does
  /// not use. The same image gives the same sums on every machine: all floats are the engine's, and sums have
  /// an order. Requires: image.profile() is f32.
  InputMoments(const ModelImage& image, int tokens, const std::function<void(std::uint64_t)>& on_tokens);

  /// Of the input that wq, wk and wv share, as do w1 and w3; wcls and token_embedding: the classifier's.
  const Moments& of(TensorKind kind, std::uint32_t layer) const;

 private:
  enum Site { kAttention, kAttentionOut, kFeedForward, kHidden, kSites };
  Moments& at(Site site, std::uint32_t layer) { return layers_[layer * kSites + site]; }

  std::vector<Moments> layers_;
  Moments final_;
};

}  // namespace pico_llama::packer
