/// The RP2350's true random number generator.
#pragma once

#include <cstdint>

namespace pico_llama::drivers {

/// 64 of the 192 bits of one collection. Takes some milliseconds. Source: RP2350 datasheet 12.12 (TRNG).
uint64_t trng_bits();

}  // namespace pico_llama::drivers
