#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/config.h"
#include "formats/checkpoint.h"

/// Models of any shape, made from a seed: for shapes nobody trained, and for tests where no model file is at
/// hand. The same seed gives the same bytes everywhere: integer arithmetic and single float operations only.
namespace pico_llama::test_support {

struct SyntheticModel {
  Config config;
  formats::Format format = formats::Format::kLlama2cLegacy;
  bool shared_classifier = true;
  std::uint32_t group_size = 64;  ///< version 2 only
  std::uint64_t seed = 1;
};

/// The shapes that have names here.
inline constexpr Config kShape15M{288, 768, 6, 6, 6, 32000, 256};
inline constexpr Config kShape260K{64, 172, 5, 8, 4, 512, 512};
inline constexpr Config kShapeTiny{16, 24, 2, 4, 2, 288, 32};

/// The bytes of a checkpoint, as llama2.c's export.py would write them. Matrices are uniform in +-sqrt(3 /
/// columns), so that activations keep their size from layer to layer; norms lie around 1.
std::vector<std::uint8_t> make_checkpoint(const SyntheticModel& model);

/// The bytes of a tokenizer.bin: <unk>, BOS, EOS, the 256 byte tokens, then every string over the space and
/// the small letters in order of length. Requires: vocab_size >= 259.
std::vector<std::uint8_t> make_tokenizer(int vocab_size);

void write_file(const std::string& path, const std::vector<std::uint8_t>& bytes);

}  // namespace pico_llama::test_support
