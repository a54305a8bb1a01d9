/// W25Q128JV-class quad flash on chip select 0. The part on the Pimoroni boards is not confirmed; these are
/// the common command set and limits of that class. Facts only; no register is touched here.
#pragma once

#include <cstdint>

namespace pico_llama::chips {

/// Source: Winbond W25Q128JV datasheet, sections 7.1 (status registers), 8.2 (instructions),
/// 9.6 (AC characteristics).
struct W25q128 {
  static constexpr uint8_t kReadJedecId = 0x9f;
  static constexpr uint8_t kQuadRead = 0xeb;  ///< address and data on four lines
  static constexpr uint8_t kDualRead = 0xbb;  ///< address and data on two lines: works with QE clear
  static constexpr uint8_t kContinuousRead =
      0xa0;  ///< mode byte M5:4 = 10b: the next read has no command byte
  static constexpr unsigned kQuadReadDummyClocks = 4;  ///< after the mode byte, on four lines

  static constexpr uint32_t kMaxHz = 133'000'000;
  static constexpr uint32_t kMinDeselectNs = 20;  ///< tSHSL1 is 10; other makers' chips want 20 [ASSUMED]
  static constexpr uint32_t kSelectSetupNs = 5;   ///< tSLCH, select to the first rising edge [ASSUMED]
  static constexpr uint32_t kClockToDataNs = 6;   ///< tCLQV at 3.0..3.6 V

  /// Size in bytes from the third byte of the JEDEC id (log2 of the size); 0 if that is out of range.
  static constexpr uint32_t bytes_of(uint8_t jedec_capacity) {
    return jedec_capacity >= 16 && jedec_capacity <= 28 ? 1u << jedec_capacity : 0;
  }
};

}  // namespace pico_llama::chips
