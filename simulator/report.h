#pragma once
#include <cstdint>
#include <string>

#include "formats/memory_image.h"
#include "simulator/cpu/core.h"

namespace pico_llama::simulator {

/// Registers, fault status and last instructions of a core.
std::string describe_core(Core& core, unsigned number, const formats::SymbolTable& symbols);

}  // namespace pico_llama::simulator
