// llama2.c's random number generator, so that equal seeds give equal samples.
#pragma once
#include <cstdint>

namespace pico_llama {

/// xorshift64*. Source: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
/// 2016.
class Rng {
 public:
  /// Requires: seed != 0 (0 is the generator's fixed point).
  explicit constexpr Rng(uint64_t seed) : state_(seed) {}

  constexpr uint32_t next_u32() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 0x2545F4914F6CDD1Dull) >> 32);
  }
  /// In [0, 1), 24 bits.
  constexpr float next_f32() { return static_cast<float>(next_u32() >> 8) / 16777216.0f; }

 private:
  uint64_t state_;
};

}  // namespace pico_llama
