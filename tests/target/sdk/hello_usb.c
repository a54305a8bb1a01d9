// pico_stdio_usb with its default settings. Doubles go through the double-precision coprocessor (DCP).
#include <stdio.h>

#include "pico/stdlib.h"

int main() {
  stdio_init_all();
  while (!stdio_usb_connected()) sleep_ms(1);
  volatile double third = 1.0 / 3.0;
  for (int i = 0; i < 3; ++i) printf("hello usb %d %.15f\n", i, third * i);
  printf("done\n");
  while (true) sleep_ms(1000);
}
