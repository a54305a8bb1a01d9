// sleep_ms, one-shot alarms and a repeating timer, each against the microsecond timer.
#include <stdio.h>

#include "hardware/sync.h"
#include "hardware/timer.h"
#include "pico/stdlib.h"

static volatile uint64_t fired_at[3];
static volatile int ticks;

static int64_t alarm(alarm_id_t id, void* place) {
  (void)id;
  *(volatile uint64_t*)place = time_us_64();
  return 0;
}

static bool tick(repeating_timer_t* timer) {
  (void)timer;
  return ++ticks < 10;
}

int main() {
  stdio_init_all();
  // Record first, print afterwards: printing takes time.
  const uint64_t start = time_us_64();
  sleep_ms(25);
  const unsigned slept = (unsigned)((time_us_64() - start) / 1000);
  const uint64_t set = time_us_64();
  add_alarm_in_us(3000, alarm, (void*)&fired_at[2], true);
  add_alarm_in_us(1000, alarm, (void*)&fired_at[0], true);
  add_alarm_in_us(2000, alarm, (void*)&fired_at[1], true);
  sleep_ms(5);
  repeating_timer_t timer;
  add_repeating_timer_us(-500, tick, NULL, &timer);
  sleep_ms(8);
  busy_wait_us(1500);
  const unsigned total = (unsigned)((time_us_64() - start) / 1000);
  printf("slept %u ms\n", slept);
  for (int i = 0; i < 3; ++i) {
    const uint32_t late = (uint32_t)(fired_at[i] - set) - 1000u * (uint32_t)(i + 1);
    printf("alarm %d %s\n", i, late < 100 ? "on time" : "late");
  }
  printf("ticks %d\n", ticks);
  printf("total %u ms\n", total);
  printf("done\n");
  while (true) __wfi();
}
