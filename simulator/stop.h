#pragma once
#include <stdexcept>
#include <string>

namespace pico_llama::simulator {

/// Thrown when the simulated machine meets something it does not model or that a real board would answer with
/// garbage: an unimplemented instruction, register or ROM call, a violated chip limit. The board catches it,
/// adds pc, symbol, disassembly, registers and the last instructions of both cores, and ends the run loudly.
/// A fault that real software can see and handle (a bus error) is a BusFault value, never this.
class Stop : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pico_llama::simulator
