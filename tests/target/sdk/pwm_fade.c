// An LED on GPIO6 fades in: its PWM level rises in the interrupt of each wrap. GPIO9 measures the duty cycle of what is on it.
#include <stdio.h>

#include "hardware/clocks.h"
#include "hardware/irq.h"
#include "hardware/pwm.h"
#include "pico/stdlib.h"

enum { kLed = 6, kMeasured = 9 };
static volatile unsigned level;

static void on_wrap(void) {
  pwm_clear_irq(pwm_gpio_to_slice_num(kLed));
  if (level < 100) pwm_set_gpio_level(kLed, (uint16_t)++level);
}

int main(void) {
  stdio_init_all();
  gpio_set_function(kLed, GPIO_FUNC_PWM);
  const uint slice = pwm_gpio_to_slice_num(kLed);
  pwm_clear_irq(slice);
  pwm_set_irq_enabled(slice, true);
  irq_set_exclusive_handler(PWM_DEFAULT_IRQ_NUM(), on_wrap);
  irq_set_enabled(PWM_DEFAULT_IRQ_NUM(), true);
  pwm_config config = pwm_get_default_config();
  pwm_config_set_clkdiv(&config, 37.5f);
  pwm_config_set_wrap(&config, 99);
  pwm_init(slice, &config, true);
  while (level < 100) tight_loop_contents();
  printf("faded\n");

  const uint other = pwm_gpio_to_slice_num(kMeasured);
  config = pwm_get_default_config();
  pwm_config_set_clkdiv_mode(&config, PWM_DIV_B_HIGH);
  pwm_config_set_clkdiv(&config, 100);
  pwm_init(other, &config, false);
  gpio_set_function(kMeasured, GPIO_FUNC_PWM);
  pwm_set_enabled(other, true);
  sleep_ms(10);
  pwm_set_enabled(other, false);
  printf("duty %u%%\n", (pwm_get_counter(other) + 75u) / 150u);
  printf("done\n");
  while (true) tight_loop_contents();
}
