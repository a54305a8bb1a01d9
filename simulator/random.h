#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// The model's only source of chance, always from the board's seed: SplitMix64 (Steele, Lea, Flood 2014).
inline constexpr std::uint64_t kSplitMixStep = 0x9e3779b97f4a7c15;

/// 64 bits that look random and depend on `x` only: contents at power-on, ids, torn pages.
inline std::uint64_t noise(std::uint64_t x) {
  x += kSplitMixStep;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// The next number of the sequence that `state` stands for.
inline std::uint64_t next_random(std::uint64_t& state) {
  const std::uint64_t number = noise(state);
  state += kSplitMixStep;
  return number;
}

}  // namespace pico_llama::simulator
