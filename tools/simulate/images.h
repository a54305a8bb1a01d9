#pragma once
#include <string>
#include <vector>

#include "simulator/board.h"

namespace pico_llama::simulate {

/// Loads files into the board's memory: UF2 and ELF files at their addresses, a model image (.plm) at the
/// cartridge address or behind the models already loaded. Returns the path of the last ELF file with line
/// numbers, or an empty string.
/// Errors: Failure.
std::string load_images(simulator::Board& board, const std::vector<std::string>& paths);

}  // namespace pico_llama::simulate
