#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace pico_llama::trainer {

/// Story number `index` of the sequence defined by `seed`: one line, without newline. Deterministic on every
/// machine.
std::string make_story(uint64_t seed, uint64_t index);

/// `count` stories of 100 to 200 words, no two equal, with an empty line after each.
std::string make_corpus(uint64_t seed, size_t count);

}  // namespace pico_llama::trainer
