#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::simulator {

/// Source file and line of each instruction address, from an ELF file's DWARF line tables.
class SourceLines {
 public:
  struct Place {
    std::string_view file;  ///< empty if unknown; lives as long as the SourceLines
    int line = 0;
  };

  /// No lines.
  SourceLines() = default;
  /// Errors: a file that cannot be read or has no line tables yields no lines.
  explicit SourceLines(const std::string& elf_path);

  Place find(std::uint32_t address) const;
  bool empty() const { return rows_.empty(); }

 private:
  static constexpr std::uint32_t kEnd = ~0u;  // `file` of a row that ends a sequence
  struct Row {
    std::uint32_t address;
    std::uint32_t file;
    int line;
  };
  std::vector<Row> rows_;  // ascending by address
  std::vector<std::string> files_;
};

}  // namespace pico_llama::simulator
