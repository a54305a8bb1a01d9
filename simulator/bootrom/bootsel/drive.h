#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace pico_llama::simulator::bootsel {

/// The contents of the drive RP2350, as a host reads them: one FAT16 partition with two small files. Nothing
/// that a host writes is stored.
/// Source: RP2350 datasheet sections 5.5.1, 5.7.4 to 5.7.6; FAT16: Microsoft's FAT specification 1.03.
class Drive {
 public:
  static constexpr std::uint32_t kSectorBytes = 512;
  static constexpr std::uint32_t kSectors = 128 * 1024 * 1024 / kSectorBytes;

  explicit Drive(std::uint32_t serial_number) : serial_number_(serial_number) {}
  /// Requires: sector < kSectors.
  void read(std::uint32_t sector, std::span<std::uint8_t, kSectorBytes> bytes) const;

 private:
  std::uint32_t serial_number_;
};

}  // namespace pico_llama::simulator::bootsel
