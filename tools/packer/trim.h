#pragma once

#include <cstdint>
#include <vector>

#include "formats/vocabulary.h"

namespace pico_llama::packer {

/// How often each token of a vocabulary is used.
using TokenCounts = std::vector<std::uint64_t>;

/// Tokens that a model can always say, and with them any text: <unk>, BOS and EOS, the bytes, and the pieces
/// of one ASCII character. Shapes: [vocabulary.size()].
std::vector<bool> always_said(const formats::Vocabulary& vocabulary);

/// The vocabulary in an order in which the model may say the first `size` tokens only
/// (formats::Vocabulary::said): always_said() and those that are used most, in their order, before the
/// others. Every text encodes into the same pieces as before. `size` 0: all that are used, and always_said().
/// Errors: Failure if `size` is more than there are, or fewer than are always said.
formats::Vocabulary trimmed(const formats::Vocabulary& vocabulary, const TokenCounts& counts,
                            std::int32_t size);

/// The tokens of a vocabulary by those of its trimmed order: token i of that one is token result[i] of
/// `whole`.
std::vector<std::uint32_t> tokens_before(const formats::Vocabulary& whole,
                                         const formats::Vocabulary& trimmed);

}  // namespace pico_llama::packer
