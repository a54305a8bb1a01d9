// Both cores compute, each what our firmware spends its time with: core 1 an int8 x int16 dot product out of
// SRAM, core 0 the same and now and then a line of printf out of flash. For the speed of the virtual board
// (bench/simulator/board_bench.cpp). "stop" on the UART ends it: both cores sleep from then on.
#include <arm_acle.h>
#include <stdio.h>

#include "hardware/sync.h"
#include "pico/multicore.h"
#include "pico/stdlib.h"

enum { kPairs = 1024 };
static int16_t activations[2][2 * kPairs];
static int8_t weights[2][2 * kPairs];
static volatile bool stop;
static volatile uint32_t rounds_of_core1;

#ifdef CODE_IN_FLASH
#define PLACE(name) name
#else
#define PLACE(name) __not_in_flash_func(name)
#endif
static int32_t __noinline PLACE(dot)(const int8_t* w, const int16_t* x) {
  int32_t sum = 0;
  for (int i = 0; i < 2 * kPairs; i += 4) {
    uint32_t four;
    __builtin_memcpy(&four, w + i, 4);
    int32_t low, high;
    __builtin_memcpy(&low, x + i, 4);
    __builtin_memcpy(&high, x + i + 2, 4);
    // Even bytes, then odd bytes: the activations lie in that order.
    sum = __smlad(__sxtb16(four), low, sum);
    sum = __smlad(__sxtb16(four >> 8), high, sum);
  }
  return sum;
}

static void core1(void) {
  int32_t sum = 0;
  while (!stop) {
    sum += dot(weights[1], activations[1]);
    rounds_of_core1 = rounds_of_core1 + 1;
  }
  printf("core 1 slept with %ld\n", (long)sum);
  while (true) __wfi();
}

int main() {
  stdio_init_all();
  for (int i = 0; i < 2 * kPairs; ++i) {
    activations[0][i] = (int16_t)(i * 37 - 3000);
    activations[1][i] = (int16_t)(i * 41 - 5000);
    weights[0][i] = (int8_t)(i * 7);
    weights[1][i] = (int8_t)(i * 11);
  }
  multicore_launch_core1(core1);
  uint32_t rounds = 0;
  int32_t sum = 0;
  while (getchar_timeout_us(0) != 's') {
    for (int i = 0; i < 500; ++i) sum += dot(weights[0], activations[0]);
    printf("round %lu: %ld, core 1 at %lu\n", (unsigned long)++rounds, (long)sum,
           (unsigned long)rounds_of_core1);
  }
  stop = true;
  while (true) __wfi();
}
