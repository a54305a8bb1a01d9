#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace pico_llama::trainer {

/// Story number `index` of the endless book of a seed: one line of 60 to 180 words, without a newline.
/// Exact: depends on (seed, index) alone, on every machine.
std::string make_story(uint64_t seed, uint64_t index);

/// Writes `count` stories, no two equal, with an empty line after each.
/// Errors: returns a sentence saying what went wrong, or an empty string.
std::string write_corpus(const std::string& path, uint64_t seed, size_t count);

}  // namespace pico_llama::trainer
