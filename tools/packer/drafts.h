#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/model/model_image.h"
#include "tools/packer/image_bytes.h"
#include "tools/packer/own_stories.h"

namespace pico_llama::packer {

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
