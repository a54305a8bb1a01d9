/// The RP2350's true random number generator.
#pragma once

#include <cstdint>

namespace pico_llama::drivers {

/// 64 bits mixed from 192 raw samples and the time. Cost: 0.2 ms, at most 1 ms. Source: RP2350
/// datasheet 12.12 (TRNG).
uint64_t trng_bits();

}  // namespace pico_llama::drivers
