#include "formats/memory_image.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "firmware/chips/rp2350.h"
#include "formats/elf.h"
#include "formats/failure.h"
#include "formats/uf2.h"

namespace pico_llama::formats {

void SymbolTable::add(Function function) {
  // Several names for one address: the first with a size is kept; aliases follow it.
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

Region region_of(std::uint64_t address, std::uint64_t bytes) {
  using chips::Rp2350;
  const auto starts_in = [address](std::uint64_t base, std::uint64_t size) {
    return address >= base && address - base < size;
  };
  constexpr std::uint64_t kFlashBytes = Rp2350::kChipSelect1Offset;
  if (starts_in(Rp2350::kXipCachedBase, kFlashBytes))
    return bytes <= Rp2350::kXipCachedBase + kFlashBytes - address ? Region::kFlash : Region::kBeyondFlash;
  if (starts_in(Rp2350::kXipCachedBase + kFlashBytes, kFlashBytes)) return Region::kBeyondFlash;
  const bool in_sram = starts_in(Rp2350::kSramBase, Rp2350::kSramBytes) &&
                       bytes <= Rp2350::kSramBase + Rp2350::kSramBytes - address;
  return in_sram ? Region::kSram : Region::kElsewhere;
}

bool looks_like_memory_image(std::span<const std::uint8_t> file) {
  // ELF-32, e_ident: <elf.h> is not there for every compiler of this project.
  constexpr char kElfMagic[] = {0x7f, 'E', 'L', 'F'};
  return looks_like_uf2(file) ||
         (file.size() >= sizeof(kElfMagic) && std::memcmp(file.data(), kElfMagic, sizeof(kElfMagic)) == 0);
}

MemoryImage read_memory_image(const std::string& path) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (status.type() == std::filesystem::file_type::not_found) fail("{}: no such file; check the path", path);
  // A folder cannot be read; a device or a pipe may never end.
  if (!problem && !std::filesystem::is_regular_file(status))
    fail("{}: is not a regular file; give a .uf2 or .elf", path);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!stream) fail("{}: cannot be opened: {}", path, errno_text(errno));
  std::vector<std::uint8_t> file;
  std::array<std::uint8_t, 1 << 16> part;
  for (std::size_t read; (read = std::fread(part.data(), 1, part.size(), stream.get())) > 0;)
    file.insert(file.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(read));
  if (file.empty()) fail("{}: is empty or cannot be read", path);
  if (!looks_like_uf2(file)) return read_elf(path);
  MemoryImage image = read_uf2(file, path);
  const std::filesystem::path beside = std::filesystem::path(path).replace_extension(".elf");
  if (std::filesystem::is_regular_file(beside)) {
    try {
      image.symbols = read_elf_symbols(beside);
      image.elf_path = beside;
    } catch (const Failure&) {
      // Symbols are optional: an .elf that cannot be read is ignored.
    }
  }
  return image;
}

}  // namespace pico_llama::formats
