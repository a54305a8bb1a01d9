#include "firmware/drivers/core_workers.h"

#include "hardware/sync.h"
#include "pico.h"
#include "pico/multicore.h"
#include "pico/platform.h"

namespace pico_llama::drivers {
namespace {
CoreWorkers* workers = nullptr;
}

void __not_in_flash_func(CoreWorkers::core1_main)() {
  CoreWorkers& self = *workers;
  uint32_t done = 0;
  for (;;) {
    // The event register latches a SEV between the load and the WFE.
    while (self.runs_.load(std::memory_order_acquire) == done) __wfe();
    self.task_(self.context_, 1);
    self.finished_.store(++done, std::memory_order_release);
  }
}

void CoreWorkers::launch() {
  workers = this;
  multicore_launch_core1(core1_main);
}

void __not_in_flash_func(CoreWorkers::wait_for)(const std::atomic<uint32_t>& word, uint32_t value) {
  while (word.load(std::memory_order_acquire) != value) {
  }
}

void __not_in_flash_func(CoreWorkers::run)(Task task, void* context) {
  task_ = task;
  context_ = context;
  const uint32_t run = runs_.load(std::memory_order_relaxed) + 1;
  runs_.store(run, std::memory_order_release);
  // SEV does not wait for the store buffer: without the DSB, core 1 could wake up, read the old count and
  // sleep forever. Source: Armv8-M ARM, SEV.
  __dsb();
  __sev();
  task(context, 0);
  wait_for(finished_, run);
}

void __not_in_flash_func(CoreWorkers::barrier)() {
  const unsigned core = get_core_num();
  const uint32_t mine = arrived_[core].load(std::memory_order_relaxed) + 1;
  arrived_[core].store(mine, std::memory_order_release);
  // The other core may be one barrier ahead but not two: it cannot pass the next one before
  // this core arrives.
  const std::atomic<uint32_t>& other = arrived_[core ^ 1];
  while (static_cast<int32_t>(other.load(std::memory_order_acquire) - mine) < 0) {
  }
}

}  // namespace pico_llama::drivers
