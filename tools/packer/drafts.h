#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/model/model_image.h"
#include "tools/packer/image_bytes.h"

namespace pico_llama::packer {

/// Tokens of a text, BOS first.
using Text = std::vector<std::int32_t>;

/// Stories that a model tells, `tokens` of them or a few more: half of them as `run` samples by default, half
/// at a lower temperature, which are closer to greedy ones. The same image gives the same stories on every
/// machine, whatever its number of threads. Seeds are none that `eval` or the calibration of q4 uses.
std::vector<Text> own_stories(const ModelImage& image, std::uint64_t tokens,
                              const std::function<void(std::uint64_t)>& on_tokens = {});

/// Most entries of a draft table: more make it larger, and guess no better (docs/decisions/0018).
inline constexpr std::size_t kMostDrafts = 10'000;

/// The section "Drafts" of SPEC.md from these texts: of the contexts that are there twice or more, those
/// whose most frequent continuation gains the most over what a shorter context would guess. Requires: every
/// token is in the vocabulary.
std::vector<std::uint32_t> make_drafts(const std::vector<Text>& texts, std::int32_t vocab_size);

/// Puts drafts behind an image that has none, and corrects its header.
/// Errors: Failure if the format's 32-bit offsets cannot reach that far.
void add_drafts(ImageBytes& image, const std::vector<std::uint32_t>& drafts);

}  // namespace pico_llama::packer
