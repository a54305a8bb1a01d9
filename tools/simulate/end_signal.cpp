#include "tools/simulate/end_signal.h"

#include <csignal>
#include <cstdlib>

namespace pico_llama::simulate {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr int kCount = sizeof kSignals / sizeof *kSignals;

std::atomic<bool> caught{false};
std::atomic<int> caught_signal{0};
struct sigaction before[kCount];
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void restore_actions() {
  for (int i = 0; i < kCount; ++i) sigaction(kSignals[i], &before[i], nullptr);  // async-signal-safe (POSIX)
}

extern "C" void catch_signal(int signal_number) {
  restore_actions();
  caught_signal.store(signal_number, std::memory_order_relaxed);
  caught.store(true, std::memory_order_relaxed);
}

}  // namespace

const std::atomic<bool>& catch_end_signals() {
  for (int i = 0; i < kCount; ++i) {
    sigaction(kSignals[i], nullptr, &before[i]);
    if (before[i].sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = catch_signal;
    sigaction(kSignals[i], &action, nullptr);
  }
  return caught;
}

int end_signal() { return caught_signal.load(std::memory_order_relaxed); }

void end_by(int signal_number) {
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
  std::_Exit(128 + signal_number);  // where the signal is blocked
}

}  // namespace pico_llama::simulate
