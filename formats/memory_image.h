#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::formats {

/// Functions of an ELF file by address.
class SymbolTable {
 public:
  struct Function {
    std::uint32_t address = 0;  ///< without the Thumb bit
    std::uint32_t bytes = 0;    ///< 0 where the ELF file gives no size
    std::string name;
  };
  struct Place {
    const Function* function = nullptr;
    std::uint32_t offset = 0;
  };

  void add(Function function);
  /// The function that contains `address`, if any.
  std::optional<Place> find(std::uint32_t address) const;
  std::optional<std::uint32_t> address_of(std::string_view name) const;
  /// "name+0x12", or the address in hexadecimal.
  std::string describe(std::uint32_t address) const;
  const std::map<std::uint32_t, Function>& functions() const { return functions_; }
  void merge(const SymbolTable& other);

 private:
  std::map<std::uint32_t, Function> functions_;
};

/// The contents of a UF2 or ELF file: bytes at addresses of the RP2350's flash or SRAM, and symbols.
struct MemoryImage {
  struct Segment {
    std::uint32_t address = 0;  ///< load address: 0x10000000 is flash offset 0; or SRAM
    std::vector<std::uint8_t> bytes;
  };
  std::string path;
  std::vector<Segment> segments;  ///< ascending, without overlaps
  /// Of a UF2: the page for the end of 16 MB that tools put before the program, against the RP2350's erratum
  /// E10. The boot ROM's drive writes it first.
  std::optional<Segment> e10_page;
  SymbolTable symbols;
  /// The ELF file with line numbers for this image, empty if none is known.
  std::string elf_path;
};

/// The regions of the RP2350's address map that a file may fill (datasheet section 2.2).
enum class Region : std::uint8_t {
  kFlash,        ///< the window of chip select 0, the largest flash chip that the QMI can address
  kBeyondFlash,  ///< starts in chip select 1's window or crosses into it
  kSram,
  kElsewhere,
};
Region region_of(std::uint64_t address, std::uint64_t bytes);

/// Whether the file begins as a UF2 or an ELF file does.
bool looks_like_memory_image(std::span<const std::uint8_t> file);

/// Reads a UF2 or ELF file; the content decides which. The symbols of a UF2 are taken from an .elf of the
/// same name in the same folder, if there is one. Errors: Failure.
MemoryImage read_memory_image(const std::string& path);

}  // namespace pico_llama::formats
