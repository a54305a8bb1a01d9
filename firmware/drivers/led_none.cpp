#include "firmware/drivers/led.h"

namespace pico_llama::drivers {

hal::LedState start_led() { return hal::LedState::kNotDriven; }
void set_led(bool) {}
hal::LedState check_led() { return hal::LedState::kNotDriven; }

}  // namespace pico_llama::drivers
