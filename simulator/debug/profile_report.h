#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "formats/memory_image.h"
#include "simulator/debug/profiler.h"
#include "simulator/debug/source_lines.h"

namespace pico_llama::simulator {

/// Profiles of one core or several, summed, with names and lines.
class ProfileReport {
 public:
  ProfileReport(std::span<Profiler* const> cores, const formats::SymbolTable& symbols,
                const SourceLines& lines);

  /// Callgrind's profile format, version 1, events Cycles and Instructions: KCachegrind and
  /// callgrind_annotate open it.
  std::string callgrind(const std::string& command) const;
  /// The functions and the lines that took most, one a row.
  std::string text(std::size_t rows) const;

 private:
  struct Function {
    std::string name;
    std::uint32_t address = 0;
    ProfileCost self;
    ProfileCost inclusive;
    std::uint64_t calls = 0;
  };
  std::string name_of(std::uint32_t address) const;

  const formats::SymbolTable& symbols_;
  const SourceLines& lines_;
  std::map<std::uint32_t, ProfileCost> costs_;
  std::map<Profiler::CallKey, Profiler::Call> calls_;
  ProfileCost total_;
};

}  // namespace pico_llama::simulator
