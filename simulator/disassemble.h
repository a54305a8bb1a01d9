#pragma once
#include <cstdint>
#include <string>

namespace pico_llama::simulator {

/// One Thumb instruction as text; `opcode` as in TraceEntry: 16-bit ones in the low half, 32-bit ones with
/// the first half-word high.
std::string disassemble(std::uint32_t address, std::uint32_t opcode);

}  // namespace pico_llama::simulator
