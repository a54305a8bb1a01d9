// Prints a few lines on UART0 and ends: the smallest program that needs clocks, resets, GPIO and the UART.
#include <stdio.h>

#include "pico/stdlib.h"

int main() {
  stdio_init_all();
  for (int i = 0; i < 3; ++i) printf("hello uart %d\n", i);
  printf("done\n");
  while (true) tight_loop_contents();
}
