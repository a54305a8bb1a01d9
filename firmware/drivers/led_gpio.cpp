#include "firmware/drivers/led.h"
#include "hardware/gpio.h"
#include "hardware/pwm.h"
#include "pico.h"

namespace pico_llama::drivers {

bool start_led() {
  gpio_set_function(PICO_DEFAULT_LED_PIN, GPIO_FUNC_PWM);
  const unsigned slice = pwm_gpio_to_slice_num(PICO_DEFAULT_LED_PIN);
  pwm_set_wrap(slice, 255 * 255);
  pwm_set_enabled(slice, true);
  set_led(0);
  return true;
}

void set_led(uint8_t brightness) {
  // The eye's response is nearer a square than a line.
  pwm_set_gpio_level(PICO_DEFAULT_LED_PIN, static_cast<uint16_t>(brightness * brightness));
}

}  // namespace pico_llama::drivers
