// clk_sys at 200, 250 and 300 MHz: the frequency counter agrees, and a loop of cycles takes that much less time.
#include <stdio.h>

#include "hardware/clocks.h"
#include "hardware/vreg.h"
#include "hardware/sync.h"
#include "pico/stdlib.h"

int main() {
  stdio_init_all();
  vreg_set_voltage(VREG_VOLTAGE_1_20);
  sleep_ms(1);
  static const uint32_t kKilohertz[] = {150000, 200000, 250000, 300000};
  for (unsigned i = 0; i < 4; ++i) {
    const bool set = set_sys_clock_khz(kKilohertz[i], false);
    setup_default_uart();
    const uint64_t start = time_us_64();
    busy_wait_at_least_cycles(300000);
    const unsigned us = (unsigned)(time_us_64() - start);
    const unsigned measured = frequency_count_khz(CLOCKS_FC0_SRC_VALUE_CLK_SYS);
    printf("%u kHz %s counted %u loop %u us\n", (unsigned)kKilohertz[i], set ? "set" : "impossible", measured, us);
  }
  printf("done\n");
  uart_default_tx_wait_blocking();
  while (true) __wfi();
}
