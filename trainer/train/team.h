#pragma once
#include <barrier>
#include <functional>
#include <thread>
#include <vector>

namespace pico_llama::trainer {

/// A fixed number of threads that do the same job on different shares of it. Member 0 is the caller.
class Team {
 public:
  explicit Team(int size) : start_(size), end_(size) {
    for (int member = 1; member < size; ++member) {
      threads_.emplace_back([this, member] {
        while (true) {
          start_.arrive_and_wait();
          if (job_ == nullptr) return;
          (*job_)(member);
          end_.arrive_and_wait();
        }
      });
    }
  }
  ~Team() {
    job_ = nullptr;
    start_.arrive_and_wait();
    for (std::thread& thread : threads_) thread.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(threads_.size()) + 1; }

  /// Returns when every member is done. Requires: job does not throw.
  void run(const std::function<void(int)>& job) {
    job_ = &job;
    start_.arrive_and_wait();
    job(0);
    end_.arrive_and_wait();
  }
  /// Member's share [begin, end) of `count` items; the same for every call with the same numbers.
  std::pair<size_t, size_t> share(int member, size_t count) const {
    const auto members = static_cast<size_t>(size());
    const auto m = static_cast<size_t>(member);
    return {count * m / members, count * (m + 1) / members};
  }

 private:
  std::barrier<> start_, end_;
  const std::function<void(int)>* job_ = nullptr;
  std::vector<std::thread> threads_;
};

}  // namespace pico_llama::trainer
