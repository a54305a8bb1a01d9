#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// Memory protection unit, PMSAv8 with 8 regions (Armv8-M ARM, B8 and D1.2; RP2350 datasheet 3.7.2).
struct Mpu {
  static constexpr unsigned kRegions = 8;
  enum class Use : std::uint8_t { kRead, kWrite, kExecute };

  std::uint32_t ctrl = 0;  ///< ENABLE, HFNMIENA, PRIVDEFENA
  std::uint32_t rnr = 0;
  std::uint32_t rbar[kRegions] = {};
  std::uint32_t rlar[kRegions] = {};
  std::uint32_t mair[2] = {};

  bool enabled() const { return (ctrl & 1) != 0; }
  /// Whether the access is allowed. `below_zero`: execution priority is negative (HardFault, NMI, FAULTMASK).
  bool allows(std::uint32_t address, Use use, bool privileged, bool below_zero) const;
  /// The region that holds `address`, or -1 for none or more than one.
  int region_of(std::uint32_t address) const;
};

}  // namespace pico_llama::simulator
