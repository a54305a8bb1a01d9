/// Places one model in a board's memories: used by ModelLoader, and by the PC to predict its result.
#pragma once

#include <cstdint>
#include <span>

#include "engine/model/model_image.h"
#include "firmware/app/placement.h"

namespace pico_llama::app {

/// Fills `items` (one for each tensor of the image, in its order) and places them, the activations, the
/// stream's memory and the key/value cache. Requires: items.size() == image.tensor_count(); board's stream
/// sizes are ignored, the model decides them. Units: board.sram_bytes: SRAM remaining after the list of
/// items.
Placement place_model(const ModelImage& image, std::span<PlacementItem> items, PlacementLimits board);

/// Bytes at the front of the stream's memory that hold the list of what the stream reads.
uint64_t stream_list_bytes(const Config& config);

}  // namespace pico_llama::app
