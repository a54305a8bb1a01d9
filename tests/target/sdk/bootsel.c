// Asks for BOOTSEL mode, as the 1200 baud touch does.
#include <stdio.h>

#include "pico/bootrom.h"
#include "pico/stdlib.h"

int main() {
  stdio_init_all();
  printf("to bootsel\n");
  uart_default_tx_wait_blocking();
  reset_usb_boot(0, 0);
}
