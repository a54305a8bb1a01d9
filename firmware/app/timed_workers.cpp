#include "firmware/app/timed_workers.h"

#include <utility>

namespace pico_llama::app {

uint32_t TimedWorkers::lap() {
  const uint32_t now = board_.cycles();
  return now - std::exchange(last_, now);
}

void TimedWorkers::run(Task task, void* context) {
  passed_ = 0;
  last_ = board_.cycles();
  crew_.run(task, context);
  cycles_.classifier += lap();
}

void TimedWorkers::barrier() {
  crew_.barrier();
  if (board_.core() != 0) return;
  const uint32_t cycles = lap();
  if (passed_ == 0) {
    cycles_.embedding += cycles;
  } else {
    const uint32_t part = (passed_ - 1) % parts();
    cycles_.layers[part + (!hidden_input_ && part == 4 ? 1 : 0)] += cycles;
  }
  ++passed_;
  ++cycles_.barriers;
}

PassCycles TimedWorkers::take() { return std::exchange(cycles_, {}); }

}  // namespace pico_llama::app
