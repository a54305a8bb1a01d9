#pragma once
#include <optional>
#include <string>

#include "formats/memory_image.h"

namespace pico_llama::formats {

/// Reads a linked ELF program for the RP2350's Arm cores: loadable segments at their load addresses, as a
/// debug probe writes them, and the functions of its symbol table. Errors: Failure: not an ELF file,
/// for another machine, segments outside flash and SRAM.
MemoryImage read_elf(const std::string& path);

/// The functions of its symbol table alone.
SymbolTable read_elf_symbols(const std::string& path);

/// Address of the variable `name`.
std::optional<std::uint32_t> find_elf_object(const std::string& path, const std::string& name);

}  // namespace pico_llama::formats
