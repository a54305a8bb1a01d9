/// The RP2350's true random number generator.
#pragma once

#include <cstdint>

namespace pico_llama::drivers {

/// 64 bits of the 192 samples of one collection and of the time. Takes 0.2 ms, 1 ms at most. Source: RP2350
/// datasheet 12.12 (TRNG).
uint64_t trng_bits();

}  // namespace pico_llama::drivers
