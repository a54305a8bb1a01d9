// No libelf for wasm: a UF2 has all that the board needs.
#include "formats/elf.h"

#include "formats/failure.h"

namespace pico_llama::formats {

MemoryImage read_elf(const std::string& path) {
  fail("{}: is no UF2 file; give a .uf2 (ELF files are read by the pico-llama command of a PC)", path);
}

SymbolTable read_elf_symbols(const std::string&) { return {}; }

std::optional<std::uint32_t> find_elf_object(const std::string&, const std::string&) { return std::nullopt; }

}  // namespace pico_llama::formats
