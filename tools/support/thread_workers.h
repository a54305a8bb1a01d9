#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "engine/workers.h"

namespace pico_llama {

/// Workers on a PC: the calling thread and count - 1 others, asleep between runs.
class ThreadWorkers final : public Workers {
 public:
  /// Requires: 1 <= count <= kMaxWorkers.
  explicit ThreadWorkers(int count);
  ~ThreadWorkers();
  ThreadWorkers(const ThreadWorkers&) = delete;
  ThreadWorkers& operator=(const ThreadWorkers&) = delete;

  void run(Task task, void* context) override;
  void barrier() override;

 private:
  void serve(int worker);

  Task task_ = nullptr;  // null: exit
  void* context_ = nullptr;
  std::atomic<unsigned> runs_{0};      // counts up when there is something to do
  std::atomic<int> working_{0};        // workers that have not returned yet
  std::atomic<int> arrived_{0};        // at the barrier
  std::atomic<unsigned> barriers_{0};  // counts up when all have arrived
  std::vector<std::thread> threads_;
};

}  // namespace pico_llama
