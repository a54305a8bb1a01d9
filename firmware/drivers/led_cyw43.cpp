#include "firmware/drivers/led.h"
#include "pico/cyw43_arch.h"

namespace pico_llama::drivers {

namespace {
bool lit = false;
hal::LedState state = hal::LedState::kNotDriven;
}  // namespace

hal::LedState start_led() {
  state = cyw43_arch_init() == 0 ? hal::LedState::kReady : hal::LedState::kRadioSilent;
  set_led(true);
  return state;
}

void set_led(bool on) {
  if (on == lit || state != hal::LedState::kReady) return;
  lit = on;
  cyw43_arch_gpio_put(CYW43_WL_GPIO_LED_PIN, on);
}

hal::LedState check_led() { return state; }

}  // namespace pico_llama::drivers
