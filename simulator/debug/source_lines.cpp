#include "simulator/debug/source_lines.h"

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace pico_llama::simulator {

SourceLines::SourceLines(const std::string& elf_path) {
  const int file = open(elf_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  Dwarf* dwarf = dwarf_begin(file, DWARF_C_READ);
  std::map<std::string, std::uint32_t> numbers;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf != nullptr && dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    Dwarf_Lines* lines = nullptr;
    std::size_t count = 0;
    if (dwarf_getsrclines(&die, &lines, &count) != 0) continue;
    for (std::size_t i = 0; i < count; ++i) {
      Dwarf_Line* line = dwarf_onesrcline(lines, i);
      Dwarf_Addr address = 0;
      int number = 0;
      bool ends = false;
      const char* name = dwarf_linesrc(line, nullptr, nullptr);
      if (dwarf_lineaddr(line, &address) != 0 || dwarf_lineno(line, &number) != 0) continue;
      dwarf_lineendsequence(line, &ends);
      std::uint32_t index = kEnd;
      if (!ends && name != nullptr) {
        index = numbers.emplace(name, static_cast<std::uint32_t>(files_.size())).first->second;
        if (index == files_.size()) files_.emplace_back(name);
      }
      rows_.push_back({static_cast<std::uint32_t>(address), index, number});
    }
  }
  if (dwarf != nullptr) dwarf_end(dwarf);
  close(file);
  // The end of one sequence may be the start of the next: the start wins. Functions that the linker dropped
  // have sequences at 0, where nothing runs.
  std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
    return a.address != b.address ? a.address < b.address : a.file == kEnd && b.file != kEnd;
  });
}

SourceLines::Place SourceLines::find(std::uint32_t address) const {
  auto after = std::upper_bound(rows_.begin(), rows_.end(), address,
                                [](std::uint32_t value, const Row& row) { return value < row.address; });
  if (after == rows_.begin()) return {};
  const Row& row = *--after;
  if (row.file == kEnd) return {};
  return {files_[row.file], row.line};
}

}  // namespace pico_llama::simulator
