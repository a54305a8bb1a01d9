/// The flash on chip select 0: what it is, and reads as fast as it can take.
#pragma once

#include "hal/board.h"

namespace pico_llama::drivers {

/// Reads the flash's identity and status, then puts window 0 in quad continuous read at the divider computed
/// from clk_sys. A flash whose QE bit is clear keeps the command the boot ROM chose (dual) at the new
/// divider. Then reads part of the program again: if that differs from what the boot ROM's timing read, the
/// next slower divider is used. Requires: core 1 not running, no DMA on the XIP windows.
hal::FlashState bring_up_flash(uint32_t clk_sys_hz);

}  // namespace pico_llama::drivers
