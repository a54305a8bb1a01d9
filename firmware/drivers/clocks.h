/// clk_sys: 150 MHz as started by the SDK, or the build's PICO_LLAMA_CLK_SYS_MHZ, after raising the core
/// voltage and slowing the flash.
#pragma once

#include "hal/board.h"

namespace pico_llama::drivers {

/// Requires: core 1 not running; chips::clk_sys_fault(clk_sys_hz) is kNone. Interrupts may be enabled.
hal::ClockState bring_up_clocks(uint32_t clk_sys_hz);

/// As set by the SDK's start-up code.
hal::ClockState clocks_as_found();

}  // namespace pico_llama::drivers
