#include "firmware/drivers/led.h"
#include "hardware/gpio.h"
#include "pico.h"

namespace pico_llama::drivers {

hal::LedState start_led() {
  gpio_init(PICO_DEFAULT_LED_PIN);
  gpio_put(PICO_DEFAULT_LED_PIN, true);
  gpio_set_dir(PICO_DEFAULT_LED_PIN, true);
  return hal::LedState::kReady;
}

void set_led(bool on) { gpio_put(PICO_DEFAULT_LED_PIN, on); }
hal::LedState check_led() { return hal::LedState::kReady; }

}  // namespace pico_llama::drivers
