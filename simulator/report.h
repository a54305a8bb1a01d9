#pragma once
#include <cstdint>
#include <string>

#include "formats/memory_image.h"
#include "simulator/cpu/core.h"

namespace pico_llama::simulator {

/// One Thumb instruction as text; `opcode` as in TraceEntry: 16-bit ones in the low half, 32-bit ones with
/// the first half-word high.
std::string disassemble(std::uint32_t address, std::uint32_t opcode);

/// Registers, fault status and last instructions of a core.
std::string describe_core(Core& core, unsigned number, const formats::SymbolTable& symbols);

}  // namespace pico_llama::simulator
