#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "simulator/board.h"

namespace pico_llama::simulate {

/// Loads files into the board's memory: UF2 and ELF files at their addresses, a model image (.plm) at the
/// cartridge address or behind the models already loaded. Returns the path of the last ELF file with line
/// numbers, or an empty string.
/// Errors: Failure.
std::string load_images(simulator::Board& board, const std::vector<std::string>& paths);

/// The boot ROM of an RP2350, as a program on the chip reads it from address 0.
/// Errors: Failure for a file that is none.
std::vector<std::uint8_t> read_boot_rom(const std::string& path);

}  // namespace pico_llama::simulate
