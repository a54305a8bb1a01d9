/// The BOOT button as a user button.
#pragma once

namespace pico_llama::drivers {

void start_button();

/// Whether it is held down. On boards that wire it to a GPIO of its own this is one register read; elsewhere
/// BOOTSEL shares the flash's chip select, and the read takes flash away for some microseconds; while the
/// stream reads it is not looked at. Requires: core 1 not reading flash or PSRAM.
bool button_pressed();

}  // namespace pico_llama::drivers
