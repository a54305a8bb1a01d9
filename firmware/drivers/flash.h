/// The flash on chip select 0: identification, and the fastest reads it supports.
#pragma once

#include "hal/board.h"

namespace pico_llama::drivers {

/// Reads the flash's id, then sets window 0 to quad continuous read at the divider computed from clk_sys.
/// After each change part of the program is read again; if it differs from the bytes read with the boot ROM's
/// settings, the change is undone: a chip without continuous read keeps a command per read, one that misreads
/// gets the next slower divider or the original one. If the boot ROM did not use quad reads, its command is
/// kept. Requires: core 1 not running, no DMA on the XIP windows.
hal::FlashState bring_up_flash(uint32_t clk_sys_hz);

/// As set by the boot ROM, with the size from the board's header.
hal::FlashState flash_as_found();

}  // namespace pico_llama::drivers
