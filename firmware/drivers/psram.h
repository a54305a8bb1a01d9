/// The PSRAM on chip select 1: from whatever state it is in to a tested, memory-mapped 8 MB.
#pragma once

#include <cstddef>
#include <span>

#include "hal/board.h"

namespace pico_llama::drivers {

/// Leaves QPI if a warm restart left the chip in it, resets it, reads its ID in SPI mode, enters QPI and sets
/// up window 1 for clk_sys, then tests address lines and data lines and measures a checksum pass. Anything
/// but kReady leaves the window unused. Source: APS6404L datasheet, "Power up", "QPI mode", "Reset", "Read
/// ID". Requires: core 1 not running, no DMA on the XIP windows.
hal::PsramState bring_up_psram(uint32_t clk_sys_hz, unsigned select_pin);

/// Writes and verifies all of it: every cell at both values, addresses told apart. Updates verdict and bad_*.
void test_all_of_psram(hal::PsramState& state);

/// The window past the cache, which would keep lines that the stream cannot see; empty unless the verdict is
/// kReady.
std::span<std::byte> psram_window(const hal::PsramState& state);

}  // namespace pico_llama::drivers
