#pragma once
#include <string_view>

#include "trainer/tokenizer/encoder.h"

namespace pico_llama::trainer {

/// Learns a vocabulary of exactly vocab_size tokens by byte pair encoding: first the characters of the text,
/// then again and again the most frequent pair of neighbours becomes a piece (ties: the smaller string).
/// Characters rarer than 1 in a million are left to byte tokens. Errors: Failure if the text supports fewer
/// tokens, or vocab_size has no room for the text's characters. Cost: linear in the text, then O(merges *
/// words that change). Source: Sennrich, Haddow, Birch, "Neural machine translation of rare words with
/// subword units", 2016.
Vocabulary train_bpe(std::string_view text, int32_t vocab_size);

}  // namespace pico_llama::trainer
