#include "simulator/image.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "simulator/elf_file.h"
#include "simulator/uf2.h"

namespace pico_llama::simulator {

void SymbolTable::add(Function function) {
  // Of several names for one place the first with a size stays: aliases come after.
  const auto [place, is_new] = functions_.try_emplace(function.address, function);
  if (!is_new && place->second.bytes == 0) place->second = std::move(function);
}

void SymbolTable::merge(const SymbolTable& other) {
  for (const auto& [address, function] : other.functions_) add(function);
}

std::optional<SymbolTable::Place> SymbolTable::find(std::uint32_t address) const {
  auto next = functions_.upper_bound(address);
  if (next == functions_.begin()) return std::nullopt;
  const Function& function = std::prev(next)->second;
  const std::uint32_t offset = address - function.address;
  constexpr std::uint32_t kUnsizedReach = 4096;  // assembly labels often have no size
  if (offset >= (function.bytes != 0 ? function.bytes : kUnsizedReach)) return std::nullopt;
  return Place{&function, offset};
}

std::optional<std::uint32_t> SymbolTable::address_of(std::string_view name) const {
  for (const auto& [address, function] : functions_) {
    if (function.name == name) return address;
  }
  return std::nullopt;
}

std::string SymbolTable::describe(std::uint32_t address) const {
  const auto place = find(address & ~1U);
  if (!place) return fmt::format("{:#010x}", address);
  return place->offset == 0 ? place->function->name
                            : fmt::format("{}+{:#x}", place->function->name, place->offset);
}

Image read_image(const std::string& path) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (status.type() == std::filesystem::file_type::not_found)
    throw ImageError(fmt::format("{}: no such file; check the path", path));
  // A folder has nothing to read; a device or a pipe may never end.
  if (!problem && !std::filesystem::is_regular_file(status))
    throw ImageError(fmt::format("{}: is not a regular file; give a .uf2 or .elf", path));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw ImageError(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  const std::vector<std::uint8_t> file{std::istreambuf_iterator<char>(stream),
                                       std::istreambuf_iterator<char>()};
  if (file.empty()) throw ImageError(fmt::format("{}: is empty or cannot be read", path));
  if (!looks_like_uf2(file)) return read_elf(path);
  Image image = read_uf2(file, path);
  const std::filesystem::path beside = std::filesystem::path(path).replace_extension(".elf");
  if (std::filesystem::is_regular_file(beside)) {
    try {
      image.symbols = read_elf_symbols(beside);
      image.elf_path = beside;
    } catch (const ImageError&) {
      // Names are a help, not a condition: a file beside the UF2 that is none of its own is left alone.
    }
  }
  return image;
}

}  // namespace pico_llama::simulator
