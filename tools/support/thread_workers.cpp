#include "tools/support/thread_workers.h"

#include "engine/check.h"

namespace pico_llama {
namespace {

/// Waits until the counter has left `old`: spinning first, because the pieces between two barriers of a small
/// model last microseconds, but not long: on a busy machine a worker that spins keeps the one it waits for
/// from running.
void wait_for_change(const std::atomic<unsigned>& counter, unsigned old) {
  constexpr int kSpins = 200;
  for (int spin = 0; spin < kSpins; ++spin) {
    if (counter.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  counter.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadWorkers::ThreadWorkers(int count) : Workers(count) {
  CHECK(count >= 1 && count <= kMaxWorkers);
  for (int worker = 1; worker < count; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
}

ThreadWorkers::~ThreadWorkers() {
  task_ = nullptr;
  runs_.fetch_add(1, std::memory_order_release);
  runs_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadWorkers::serve(int worker) {
  for (unsigned seen = 0;; ++seen) {
    wait_for_change(runs_, seen);
    if (task_ == nullptr) return;
    task_(context_, worker);
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_.notify_one();
  }
}

void ThreadWorkers::run(Task task, void* context) {
  task_ = task;
  context_ = context;
  working_.store(count() - 1, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_release);
  runs_.notify_all();
  task(context, 0);
  for (int left; (left = working_.load(std::memory_order_acquire)) != 0;)
    working_.wait(left, std::memory_order_acquire);
}

void ThreadWorkers::barrier() {
  const unsigned round = barriers_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < count())
    return wait_for_change(barriers_, round);
  arrived_.store(0, std::memory_order_relaxed);
  barriers_.fetch_add(1, std::memory_order_release);
  barriers_.notify_all();
}

}  // namespace pico_llama
