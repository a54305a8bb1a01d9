#include "firmware/drivers/led.h"
#include "pico/cyw43_arch.h"

namespace pico_llama::drivers {

namespace {
bool lit = false;
}

bool start_led() { return cyw43_arch_init() == 0; }

void set_led(uint8_t brightness) {
  const bool on = brightness >= 128;
  if (on == lit) return;
  lit = on;
  cyw43_arch_gpio_put(CYW43_WL_GPIO_LED_PIN, on);
}

}  // namespace pico_llama::drivers
