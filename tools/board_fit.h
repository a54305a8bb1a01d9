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

/// Whether a board can run a model, as its firmware will decide.
struct BoardFit {
  std::string board;  ///< its name
  bool fits = false;
  std::string details;  ///< where the model goes, or what it lacks
};

ImageSizes sizes_of(const ModelImage& image);

/// Bytes the engine works in at a context, with both cores: key/value cache, activations.
std::uint64_t working_bytes(const ModelImage& image, int context);

/// The firmware's own placement (firmware/app/model_placement.h) on the boards there are: one with PSRAM, one
/// without. 150 MHz; the SRAM that every build of the firmware guarantees.
std::vector<BoardFit> board_fits(const ModelImage& image);

/// Whether a Pico Plus 2 W reads some of the model over its QSPI bus for every token.
bool streams_on_board(const ModelImage& image);

}  // namespace pico_llama
