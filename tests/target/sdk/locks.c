// Both cores count under a spinlock, a hardware spinlock and a mutex, and pass items through a queue.
#include <stdio.h>

#include "hardware/structs/sio.h"
#include "hardware/sync.h"
#include "pico/multicore.h"
#include "pico/mutex.h"
#include "pico/stdlib.h"
#include "pico/util/queue.h"

enum { kRounds = 500, kItems = 200 };
static spin_lock_t *lock;
static mutex_t mutex;
static queue_t queue, results;
static volatile uint32_t by_spinlock, by_hardware, by_mutex;

static void count(void) {
  for (int i = 0; i < kRounds; ++i) {
    const uint32_t save = spin_lock_blocking(lock);
    by_spinlock = by_spinlock + 1;
    spin_unlock(lock, save);
    while (!sio_hw->spinlock[31]) tight_loop_contents();
    by_hardware = by_hardware + 1;
    sio_hw->spinlock[31] = 1;
    mutex_enter_blocking(&mutex);
    by_mutex = by_mutex + 1;
    mutex_exit(&mutex);
  }
}

static void core1(void) {
  count();
  uint32_t sum = 0, item;
  for (int i = 0; i < kItems; ++i) {
    queue_remove_blocking(&queue, &item);
    sum += item;
  }
  queue_add_blocking(&results, &sum);
  while (true) __wfe();
}

int main() {
  stdio_init_all();
  lock = spin_lock_init(spin_lock_claim_unused(true));
  mutex_init(&mutex);
  queue_init(&queue, sizeof(uint32_t), 4);
  queue_init(&results, sizeof(uint32_t), 1);
  multicore_launch_core1(core1);
  count();
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kItems; ++i) {
    const uint32_t item = i * i;
    sum += item;
    queue_add_blocking(&queue, &item);
  }
  uint32_t got;
  queue_remove_blocking(&results, &got);
  printf("counts %u %u %u\n", (unsigned)by_spinlock, (unsigned)by_hardware, (unsigned)by_mutex);
  printf("queue %s\n", got == sum ? "complete" : "broken");
  printf("done\n");
  while (true) __wfi();
}
