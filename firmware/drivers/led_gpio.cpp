#include "firmware/drivers/led.h"
#include "hardware/gpio.h"
#include "pico.h"

namespace pico_llama::drivers {

bool start_led() {
  gpio_init(PICO_DEFAULT_LED_PIN);
  gpio_set_dir(PICO_DEFAULT_LED_PIN, true);
  return true;
}

void set_led(uint8_t brightness) { gpio_put(PICO_DEFAULT_LED_PIN, brightness >= 128); }

}  // namespace pico_llama::drivers
