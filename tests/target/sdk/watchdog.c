// Reboots itself by watchdog: once by request, once by not feeding it; scratch registers tell the boots apart.
#include <stdio.h>

#include "hardware/watchdog.h"
#include "pico/bootrom.h"
#include "hardware/sync.h"
#include "pico/stdlib.h"

int main() {
  stdio_init_all();
  const uint32_t boot = watchdog_hw->scratch[0]++;
  printf("boot %u by %s, enabled %d, type %d\n", (unsigned)boot, watchdog_caused_reboot() ? "watchdog" : "power",
         watchdog_enable_caused_reboot(), rom_get_last_boot_type());
  stdio_flush();
  uart_default_tx_wait_blocking();
  if (boot == 0) {
    watchdog_reboot(0, 0, 0);
    while (true) tight_loop_contents();
  }
  if (boot == 1) {
    watchdog_enable(5, false);
    for (int i = 0; i < 4; ++i) {
      sleep_ms(3);
      watchdog_update();
    }
    printf("fed\n");
    uart_default_tx_wait_blocking();
    while (true) tight_loop_contents();
  }
  printf("done\n");
  while (true) __wfi();
}
