#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/vocabulary.h"

/// SentencePiece's tokenizer.model: a protocol buffer (ModelProto).
/// Source: google/sentencepiece, sentencepiece_model.proto; developers.google.com/protocol-buffers
/// (encoding).
namespace pico_llama::formats {

bool looks_like_sentencepiece(std::span<const std::uint8_t> bytes);

/// Errors: Failure for damage, and for models that are not BPE.
Vocabulary read_sentencepiece(std::span<const std::uint8_t> bytes, const std::string& name);

}  // namespace pico_llama::formats
