#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/vocabulary.h"

/// llama2.c's tokenizer.bin: int32 max_token_length, then for each token fp32 score, int32 length, bytes. The
/// file does not state the number of tokens: it is read to its end, and the count must match the model's.
/// Source: llama2.c tokenizer.py (export) and run.c (build_tokenizer).
namespace pico_llama::formats {

/// `name` stands for the file in messages.
/// Errors: Failure that says what is wrong with the file and what to do.
Vocabulary read_tokenizer_bin(std::span<const std::uint8_t> bytes, const std::string& name);

std::string to_tokenizer_bin(const Vocabulary& vocabulary);

}  // namespace pico_llama::formats
