#pragma once
#include <cstdint>
#include <string>

#include "simulator/bus/bus.h"

namespace pico_llama::simulator {

/// The bus as code in the ROM uses it: every access takes time.
class RomBus {
 public:
  RomBus(Bus& bus, Master master) : bus_(bus), master_(master) {}

  Cycle now = 0;  ///< advanced by every access

  std::uint32_t load(std::uint32_t address, unsigned size = 4);
  void store(std::uint32_t address, std::uint32_t value, unsigned size = 4);
  /// As load(), but the caller handles a bus fault.
  Reply try_load(std::uint32_t address);
  void set_bits(std::uint32_t address, std::uint32_t bits) { store(address + 0x2000, bits); }
  void clear_bits(std::uint32_t address, std::uint32_t bits) { store(address + 0x3000, bits); }

 private:
  Bus& bus_;
  Master master_;
};

}  // namespace pico_llama::simulator
