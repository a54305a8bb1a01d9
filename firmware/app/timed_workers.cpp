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
  // The part that each barrier of a layer belongs to, in forward()'s order.
  static constexpr uint8_t kSharedInput[] = {0, 0, 1, 2, 2, 3, 3, 4, 5};
  static constexpr uint8_t kOwnInput[] = {0, 1, 2, 3, 5};
  if (passed_ == 0) {
    cycles_.embedding += cycles;
  } else if (passed_ - 1 < barriers_of_layer() * layers_) {
    const uint32_t barrier = (passed_ - 1) % barriers_of_layer();
    cycles_.layers[shared_input_ ? kSharedInput[barrier] : kOwnInput[barrier]] += cycles;
  } else {
    cycles_.classifier += cycles;
  }
  ++passed_;
  ++cycles_.barriers;
}

PassCycles TimedWorkers::take() { return std::exchange(cycles_, {}); }

}  // namespace pico_llama::app
