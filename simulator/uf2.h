#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "simulator/image.h"

namespace pico_llama::simulator {

/// True if these are the first bytes of a UF2 file.
bool looks_like_uf2(std::span<const std::uint8_t> file);

/// Reads UF2 blocks as the RP2350's USB drive does (datasheet section 5.5): families rp2350-arm-s, data and
/// absolute; blocks in any order, gaps allowed.
/// Errors: throws ImageError: an RP2040 or other family, damaged, missing or overlapping blocks, data outside
/// flash and RAM.
Image read_uf2(std::span<const std::uint8_t> file, const std::string& path);

}  // namespace pico_llama::simulator
