#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::simulator {

/// A file that cannot be loaded: what() is one clear line that says what is wrong and what to do.
class ImageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Functions of the loaded ELF files by address.
class SymbolTable {
 public:
  struct Function {
    std::uint32_t address = 0;  ///< without the Thumb bit
    std::uint32_t bytes = 0;    ///< 0 where the ELF file does not say
    std::string name;
  };
  struct Place {
    const Function* function = nullptr;
    std::uint32_t offset = 0;
  };

  void add(Function function);
  /// The function that `address` is in, if any.
  std::optional<Place> find(std::uint32_t address) const;
  std::optional<std::uint32_t> address_of(std::string_view name) const;
  /// "name+0x12", or the address in hexadecimal.
  std::string describe(std::uint32_t address) const;
  const std::map<std::uint32_t, Function>& functions() const { return functions_; }
  void merge(const SymbolTable& other);

 private:
  std::map<std::uint32_t, Function> functions_;
};

/// Contents for a board: bytes at addresses, and what is known of them.
struct Image {
  struct Segment {
    std::uint32_t address = 0;  ///< where it is stored: 0x10000000 is flash offset 0; or SRAM
    std::vector<std::uint8_t> bytes;
  };
  std::string path;
  std::vector<Segment> segments;  ///< ascending, none overlapping
  SymbolTable symbols;
  /// The ELF file with line numbers for this image, empty if none is known.
  std::string elf_path;
};

/// Reads a .uf2 or .elf file, told apart by content. For a UF2, symbols come from an .elf of the same name
/// beside it, where there is one.
/// Errors: throws ImageError.
Image read_image(const std::string& path);

}  // namespace pico_llama::simulator
