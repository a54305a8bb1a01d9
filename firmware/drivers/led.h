/// The LED: on WL_GPIO0 of the radio chip on the W boards, on a GPIO on the others. One implementation is
/// linked (firmware/CMakeLists.txt).
#pragma once

#include "hal/board.h"

namespace pico_llama::drivers {

/// Initialises the LED and turns it on. Cost: on the W boards up to 0.3 s asleep, while the radio starts.
hal::LedState start_led();

/// Cost: nothing if it does not change; else, on the W boards, one transfer of 64 bits to the radio. Never
/// waits for the radio.
void set_led(bool on);

/// The state now: asks the radio again.
hal::LedState check_led();

}  // namespace pico_llama::drivers
