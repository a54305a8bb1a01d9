/// The flash on chip select 0: what it is, and reads as fast as it can take.
#pragma once

#include "hal/board.h"

namespace pico_llama::drivers {

/// Reads the flash's id, then puts window 0 in quad continuous read at the divider computed from clk_sys.
/// Each step is followed by reading part of the program again, and taken back where that differs from what
/// the boot ROM's settings read: a chip without continuous read keeps its command, one that misreads gets the
/// next slower divider or the one it had. Where the boot ROM found no quad read its command stays. Requires:
/// core 1 not running, no DMA on the XIP windows.
hal::FlashState bring_up_flash(uint32_t clk_sys_hz);

/// As the boot ROM left it, and the size the board should have.
hal::FlashState flash_as_found();

}  // namespace pico_llama::drivers
