/// RP2350 facts that the firmware's arithmetic needs. Facts only: no register access.
#pragma once

#include <cstdint>

namespace pico_llama::chips {

struct Rp2350 {
  // RP2350 datasheet 2.2 (address map).
  static constexpr uint32_t kSramBase = 0x20000000;
  static constexpr uint32_t kSramBytes = 520 * 1024;  ///< SRAM0-7 (512 kB striped) and the two scratch banks
  static constexpr uint32_t kScratchXBase = 0x20080000;  ///< SRAM8, 4 kB: core 1's stack
  static constexpr uint32_t kScratchYBase = 0x20081000;  ///< SRAM9, 4 kB: core 0's stack
  static constexpr uint32_t kScratchBytes = 4096;

  // RP2350 datasheet 4.4.1 (XIP windows). Chip select 1 is 16 MB above chip select 0 in each of them.
  static constexpr uint32_t kXipCachedBase = 0x10000000;
  static constexpr uint32_t kXipUncachedBase = 0x14000000;
  static constexpr uint32_t kXipUntranslatedBase = 0x1c000000;
  static constexpr uint32_t kChipSelect1Offset = 0x01000000;
  static constexpr uint32_t kXipCacheBytes = 16 * 1024;
  static constexpr uint32_t kXipLineBytes = 8;

  // RP2350 datasheet 8.1 and 14 (electrical characteristics): only this is specified, at the default 1.10 V.
  static constexpr uint32_t kRatedClkSysHz = 150'000'000;
  static constexpr uint32_t kXoscHz = 12'000'000;

  /// Core voltage for a clock. Units: millivolts. Nothing is specified above 150 MHz. These voltages are at
  /// least one step of 50 mV above those that one uncooled chip needed; its highest clocks before it crashed
  /// were 260 MHz at 1.05 V, 290 at 1.10 V, 310 at 1.15 V, 340 at 1.20 V (embassy-rs/embassy, pull request
  /// 6572).
  static constexpr uint32_t core_millivolts(uint32_t clk_sys_hz) {
    if (clk_sys_hz <= 200'000'000) return 1100;
    if (clk_sys_hz <= 266'000'000) return 1150;
    return 1200;
  }
};

/// Start of the model cartridge in flash. The firmware ends below it (asserted at link time) and the first
/// model image starts exactly here, so that each can be flashed without the other.
struct Cartridge {
  /// 512 KiB: the firmware is a third of that, and a 15M model at int8 needs the rest.
  static constexpr uint32_t kFlashOffset = 0x00080000;
  static constexpr uint32_t kAddress = Rp2350::kXipCachedBase + kFlashOffset;
};

/// SRAM guaranteed to a model by every build (asserted by firmware/memmap.ld). stories260K in q8 needs
/// 476,352 B at full context. Placement uses all SRAM there is; the PC's prediction uses this.
struct ModelMemory {
  static constexpr uint32_t kPromisedSramBytes = 482'000;
};

}  // namespace pico_llama::chips
