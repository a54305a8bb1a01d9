#pragma once
#include <stdexcept>
#include <string>

namespace pico_llama::simulator {

/// Ends the run: the program uses a feature that is not modelled, or whose result is undefined on silicon (an
/// instruction, register or ROM call, a violated chip limit). Board::run() alone catches it, adds pc, symbol,
/// disassembly, registers and the last instructions of both cores, and returns it as RunEnd::kStop.
/// A fault that software can see and handle (a bus error) is a BusFault value, never this
/// (docs/decisions/0013).
class Stop : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pico_llama::simulator
