/// APS6404L-3SQR: the 8 MB PSRAM on chip select 1 of the Pico Plus 2 W. Facts only; no
/// register is touched here.
#pragma once

#include <cstdint>

namespace pico_llama::chips {

/// Source: AP Memory APS6404L-3SQR datasheet, "Command/Address Latching Truth Table" and "AC
/// Characteristics". A value marked [ASSUMED] could not be checked against a document and is
/// chosen conservatively.
struct Aps6404l {
  // Commands.
  static constexpr uint8_t kEnterQpi = 0x35;
  static constexpr uint8_t kExitQpi = 0xf5;  ///< on four lines: accepted only by a chip in QPI
  static constexpr uint8_t kResetEnable = 0x66;
  static constexpr uint8_t kReset = 0x99;
  static constexpr uint8_t kReadId = 0x9f;     ///< SPI mode only
  static constexpr uint8_t kQuadRead = 0xeb;   ///< in QPI: command 2, address 6, wait 6 clocks
  static constexpr uint8_t kQuadWrite = 0x38;  ///< in QPI: command 2, address 6, no wait
  static constexpr unsigned kQuadReadWaitClocks = 6;

  // The answer to Read ID: manufacturer, known-good-die byte, then a word whose top three
  // bits are the density.
  static constexpr uint8_t kManufacturerId = 0x0d;
  static constexpr uint8_t kKnownGoodDie = 0x5d;

  // Limits.
  static constexpr uint32_t kLinearBurstHz =
      84'000'000;  ///< bursts that may cross a page; 109 MHz only in 32-byte wraps
  static constexpr uint32_t kReadIdHz = 33'000'000;  ///< SPI slow reads, 03h and 9Fh
  static constexpr uint32_t kPageBytes = 1024;
  static constexpr uint32_t kMaxSelectNs =
      8'000;  ///< tCEM: refresh needs chip select high at least this often
  static constexpr uint32_t kMinDeselectNs = 18;  ///< tCPH
  static constexpr uint32_t kSelectHoldNs = 20;   ///< tCHD, from the last rising edge [ASSUMED]
  static constexpr uint32_t kClockToDataNs = 6;   ///< tACLK at most [ASSUMED 5.5, rounded up]
  static constexpr uint32_t kResetRecoveryUs =
      100;  ///< after 99h [ASSUMED: the datasheet's figure is below 1 us]

  /// Size in bytes from the density field of Read ID (EID bits 47:45); 0 for codes not in the datasheet.
  static constexpr uint32_t bytes_of(uint8_t eid_high) {
    switch (eid_high >> 5) {
      case 0:
        return 2u << 20;
      case 1:
        return 4u << 20;
      case 2:
        return 8u << 20;
      default:
        return 0;
    }
  }
};

}  // namespace pico_llama::chips
