#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/model/model_image.h"

namespace pico_llama::packer {

/// Tokens of a text, BOS first.
using Text = std::vector<std::int32_t>;

enum class StoriesFor {
  kDrafts,      ///< half as `run` samples by default, half at a lower temperature, which are closer to greedy
                ///< ones
  kVocabulary,  ///< as `run` samples by default: a story at a lower temperature has fewer words
};

/// Stories that a model tells, `tokens` of them or a few more. The same image gives the same stories on every
/// machine, whatever its number of threads. Seeds are none that `eval`, the calibration of q4 or another use
/// of such stories has.
std::vector<Text> own_stories(const ModelImage& image, std::uint64_t tokens, StoriesFor use,
                              const std::function<void(std::uint64_t)>& on_tokens = {});

/// Tokens of its own stories that tell enough of a model: so many that they take some seconds, and no more
/// than gain anything.
std::uint64_t default_story_tokens(const Config& config);

}  // namespace pico_llama::packer
