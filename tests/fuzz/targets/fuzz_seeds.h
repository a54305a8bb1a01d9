#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/model/model_image.h"
#include "tools/packer/packer.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace pico_llama::fuzz {

/// The smallest vocabulary a tokenizer can have, and a shape of a few kilobytes.
inline constexpr Config kShape{4, 6, 1, 2, 1, 260, 8};

/// Whole, valid inputs of every format: random bytes alone would never come past a header.
const std::vector<std::vector<std::uint8_t>>& checkpoints();
const std::vector<std::uint8_t>& tokenizer_file();
packer::ImageBytes make_image(Profile profile, Config shape = kShape);
/// An image whose classifier has fewer rows than there are pieces (`pack --vocabulary`).
packer::ImageBytes make_trimmed_image(Profile profile);

/// libFuzzer's mutation, but now and then a fresh start from one of `seeds`.
std::size_t mutate(const std::vector<std::vector<std::uint8_t>>& seeds, std::uint8_t* data, std::size_t size,
                   std::size_t max_size, unsigned seed);

}  // namespace pico_llama::fuzz
