#pragma once
#include <cstdint>

namespace pico_llama::simulator {

struct DifftestResult {
  std::uint64_t compared = 0;   ///< instructions executed by both
  std::uint64_t different = 0;  ///< of them, how many gave another state
};

/// Runs random instructions on Core and on Unicorn's cortex-m33 and compares r0..r14, APSR, s0..s31, FPSCR
/// and memory. Every difference is reported as a test failure with the instruction and both results (the
/// first few). Deterministic for a seed.
DifftestResult difftest(std::uint64_t seed, std::uint64_t instructions);

}  // namespace pico_llama::simulator
