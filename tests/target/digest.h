// One number for every bit a model computes: printed by the same program on the PC and on QEMU's Cortex-M33.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/workers.h"

namespace pico_llama::test_support {

/// CRC-32 over the logits of every `stride`th position while the model reads `positions` tokens that follow
/// from their number alone, `block` at a time. Stops the program when the image is bad.
uint32_t logits_digest(std::span<const std::byte> image, std::span<std::byte> memory, int positions,
                       int block, Workers& workers);

/// A story, and the guesses that were checked for it.
struct Story {
  int tokens = 0;
  int drafted = 0;
  int accepted = 0;
};

/// Tells a story of the whole context at temperature 1, seed 3, and writes its tokens. most_logits: 1 without
/// guesses, up to kPrefillBlock with. Stops the program when the image is bad. Requires: room for seq_len
/// tokens.
Story tell_story(std::span<const std::byte> image, std::span<std::byte> memory, int most_logits,
                 Workers& workers, std::span<int32_t> tokens);

/// Bytes of memory logits_digest() and tell_story() need.
size_t digest_memory(std::span<const std::byte> image, int worker_count);

}  // namespace pico_llama::test_support
