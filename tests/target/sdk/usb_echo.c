// Echoes every byte of the USB serial port, in both directions as fast as pico_stdio_usb goes.
#include "pico/stdio/driver.h"
#include "pico/stdio_usb.h"
#include "pico/stdlib.h"

int main() {
  stdio_init_all();
  while (!stdio_usb_connected()) sleep_ms(1);
  while (true) {
    static char buffer[256];
    const int n = stdio_usb.in_chars(buffer, sizeof buffer);
    if (n > 0) stdio_usb.out_chars(buffer, n);
  }
}
