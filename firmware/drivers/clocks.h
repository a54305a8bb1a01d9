/// clk_sys: 150 MHz as the SDK starts it, or what the build asks for, with voltage and flash made ready
/// first.
#pragma once

#include "hal/board.h"

namespace pico_llama::drivers {

/// Requires: interrupts may run, core 1 must not.
hal::ClockState bring_up_clocks(uint32_t clk_sys_hz);

/// As the SDK's start-up code left them.
hal::ClockState clocks_as_found();

}  // namespace pico_llama::drivers
