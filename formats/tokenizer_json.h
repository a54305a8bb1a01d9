#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/vocabulary.h"

/// Hugging Face's tokenizer.json with a BPE model: with byte fallback and U+2581 for spaces, as converted
/// from SentencePiece, or byte-level as GPT-2's. Source: huggingface/tokenizers, the serialised form of its
/// components.
namespace pico_llama::formats {

/// True if the bytes begin as JSON does.
bool looks_like_json(std::span<const std::uint8_t> bytes);

/// No piece spans what the file's pre-tokenizer would split, because none was trained to; if several merges
/// form a piece, the first counts.
/// Errors: Failure for damage, and for models that are not BPE, by their name.
Vocabulary read_tokenizer_json(std::span<const std::uint8_t> bytes, const std::string& name);

}  // namespace pico_llama::formats
