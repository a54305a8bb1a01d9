/// The BOOT button as a user button.
#pragma once

namespace pico_llama::drivers {

void start_button();

/// Whether the button is pressed. One register read on boards with a GPIO for it. Elsewhere BOOTSEL shares
/// the flash's chip select, and sampling it blocks flash for some microseconds; while a stream run is active
/// the button is not sampled and reads as released. Requires: core 1 not reading flash or PSRAM.
bool button_pressed();

}  // namespace pico_llama::drivers
