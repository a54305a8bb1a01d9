#pragma once
#include <array>
#include <cstdint>

#include "simulator/bootrom/rom_bus.h"

namespace pico_llama::simulator {

/// SHA-256 of words in memory, by the chip's own accelerator (datasheet section 12.13).
class RomSha256 {
 public:
  explicit RomSha256(RomBus& bus);
  /// The next four bytes, the first one lowest.
  void add(std::uint32_t word);
  /// The digest as words that lie in memory.
  std::array<std::uint32_t, 8> finish();

 private:
  void write(std::uint32_t word);

  RomBus& bus_;
  std::uint64_t words_ = 0;
};

}  // namespace pico_llama::simulator
