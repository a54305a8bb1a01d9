#include "tools/support/stop_on_ctrl_c.h"

namespace pico_llama {
namespace {

std::atomic<bool> cancelled{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void cancel(int) { cancelled.store(true, std::memory_order_relaxed); }

}  // namespace

const std::atomic<bool>& stop_on_ctrl_c() {
  struct sigaction action = {};
  action.sa_handler = cancel;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, nullptr);
  return cancelled;
}

}  // namespace pico_llama
