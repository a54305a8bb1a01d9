/// The LED: wired to the radio chip on the W boards, to a GPIO on the others; not driven in builds without
/// the radio's driver.
#pragma once

#include <cstdint>

namespace pico_llama::drivers {

/// Initialises the LED. Returns whether this build can drive it.
bool start_led();

/// 0 to 255; on from 128 up. No dimming: through the radio chip every change costs a bus transaction.
void set_led(uint8_t brightness);

}  // namespace pico_llama::drivers
