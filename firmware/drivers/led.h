/// The LED: behind the radio chip on the W boards, on a GPIO on others, absent in builds without the radio's
/// driver.
#pragma once

#include <cstdint>

namespace pico_llama::drivers {

/// Whether there is an LED that this build can drive, after starting it.
bool start_led();

/// 0 to 255; lit from 128 up. (Behind the radio every change costs a bus transaction, so there is no
/// dimming.)
void set_led(uint8_t brightness);

}  // namespace pico_llama::drivers
