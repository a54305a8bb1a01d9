/// The PSRAM on chip select 1: from any state to a tested, memory-mapped 8 MB.
#pragma once

#include <cstddef>
#include <span>

#include "hal/board.h"

namespace pico_llama::drivers {

/// Exits QPI (the chip is in it after a warm restart), resets the chip, reads its ID in SPI mode, enters QPI
/// and sets up window 1 for clk_sys, then tests address and data lines and measures a checksum pass. The
/// window is used only if the verdict is kReady. Source: APS6404L datasheet, "Power up", "QPI mode", "Reset",
/// "Read ID". Requires: core 1 not running, no DMA on the XIP windows.
hal::PsramState bring_up_psram(uint32_t clk_sys_hz, unsigned select_pin);

/// Writes and verifies all of PSRAM: every cell at both values, every address distinct.
/// Updates verdict and bad_*.
void test_all_of_psram(hal::PsramState& state);

/// The uncached window (the stream does not see dirty cache lines); empty unless the verdict is kReady.
std::span<std::byte> psram_window(const hal::PsramState& state);

}  // namespace pico_llama::drivers
