#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// Sixty-four bits that look random and depend on `x` only: contents at power-on, ids, torn pages.
/// Source: the SplitMix64 finaliser.
inline std::uint64_t noise(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace pico_llama::simulator
