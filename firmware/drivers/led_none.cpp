#include "firmware/drivers/led.h"

namespace pico_llama::drivers {

bool start_led() { return false; }
void set_led(uint8_t) {}

}  // namespace pico_llama::drivers
