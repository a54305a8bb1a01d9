#pragma once
#include <optional>
#include <string>

#include "simulator/image.h"

namespace pico_llama::simulator {

/// Reads an ELF file for the RP2350's Arm cores: loadable segments at their load addresses, as a debug probe
/// writes them, and the functions of its symbol table.
/// Errors: throws ImageError: not an ELF file, for another machine, segments outside flash and RAM.
Image read_elf(const std::string& path);

/// Only its functions.
SymbolTable read_elf_symbols(const std::string& path);

/// Address of a variable.
std::optional<std::uint32_t> find_elf_object(const std::string& path, const std::string& name);

}  // namespace pico_llama::simulator
