#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "formats/checkpoint.h"
#include "formats/vocabulary.h"

/// GGUF files (versions 2 and 3) of architecture llama, with their tokenizer.
/// Source: ggml's GGUF specification; the blocks of quantised types: formats/tensor.h.
namespace pico_llama::formats {

bool looks_like_gguf(std::span<const std::uint8_t> bytes);

/// The bytes must outlive the result; `name` stands for the file in messages.
/// Errors: Failure that says what is wrong with the file, or names what cannot be run or read.
Checkpoint read_gguf(std::span<const std::uint8_t> bytes, const std::string& name);

/// The tokenizer inside. Errors: Failure if there is none, or of a kind that cannot be run.
Vocabulary read_gguf_tokenizer(std::span<const std::uint8_t> bytes, const std::string& name);

}  // namespace pico_llama::formats
