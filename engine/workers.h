// Fork/join interface: the engine's only view of cores and threads.
#pragma once

namespace pico_llama {

/// A fixed number of workers. The engine forks once per forward() and synchronises at barriers, which take
/// tens of cycles on two spinning cores. Results do not depend on count().
class Workers {
 public:
  using Task = void (*)(void* context, int worker);

  /// How many workers run() uses: 1 to kMaxWorkers, constant.
  int count() const { return count_; }
  /// Calls task(context, 0) here and task(context, i) on every other worker; returns when all have returned.
  /// Writes by the caller before run() are visible to the tasks; the tasks' writes are visible after it.
  virtual void run(Task task, void* context) = 0;
  /// Inside a task: waits until every worker has arrived; all writes before are visible to all after.
  /// Each worker calls it the same number of times.
  virtual void barrier() = 0;

 protected:
  constexpr explicit Workers(int count) : count_(count) {}
  ~Workers() = default;

 private:
  int count_;
};

inline constexpr int kMaxWorkers = 64;

/// One worker: everything runs in the caller.
class SingleWorker final : public Workers {
 public:
  constexpr SingleWorker() : Workers(1) {}
  void run(Task task, void* context) override { task(context, 0); }
  void barrier() override {}
};

}  // namespace pico_llama
