// Core 1 is launched, answers through the FIFO, is reset and launched again.
#include <stdio.h>

#include "hardware/sync.h"
#include "pico/multicore.h"
#include "pico/stdlib.h"

static void answer_plus_one(void) {
  while (true) multicore_fifo_push_blocking(multicore_fifo_pop_blocking() + 1);
}

static void answer_core_number(void) {
  multicore_fifo_push_blocking(get_core_num());
  while (true) __wfe();
}

int main() {
  stdio_init_all();
  multicore_launch_core1(answer_plus_one);
  uint32_t value = 0;
  for (int i = 0; i < 1000; ++i) {
    multicore_fifo_push_blocking(value);
    value = multicore_fifo_pop_blocking();
  }
  printf("ping-pong %u\n", (unsigned)value);
  multicore_reset_core1();
  multicore_launch_core1(answer_core_number);
  printf("core %u after reset\n", (unsigned)multicore_fifo_pop_blocking());
  printf("done\n");
  while (true) __wfi();
}
