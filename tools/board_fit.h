#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/model_image.h"

namespace pico_llama {

/// Sizes of an image by what they are for.
struct ImageSizes {
  std::uint64_t image = 0;      ///< the whole file
  std::uint64_t weights = 0;    ///< matrices and norms
  std::uint64_t rope = 0;       ///< RoPE tables
  std::uint64_t tokenizer = 0;  ///< with its index
};

/// One way to place a model on the Pico Plus 2 W.
struct Placement {
  std::string memory;  ///< "SRAM", "PSRAM", "flash"
  bool fits = false;
  std::string reason;  ///< the sizes, and what would make it fit
};

ImageSizes sizes_of(const ModelImage& image);

/// Bytes the engine works in at a context, with both cores: key/value cache, activations.
std::uint64_t working_bytes(const ModelImage& image, int context);

/// SRAM: weights and working memory; of the bus a token needs its row of the RoPE table alone. PSRAM: all of
/// the image and the working memory. flash: the image stays there, the working memory is in SRAM or PSRAM.
std::vector<Placement> placements(const ModelImage& image);

}  // namespace pico_llama
