// A copier that is a thread: what the board's DMA does, with other timing.
#pragma once
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/streaming/staged_stream.h"

namespace pico_llama::test_support {

class ThreadCopier final : public StreamCopier {
 public:
  ThreadCopier() : thread_([this] { serve(); }) {}
  ~ThreadCopier() {
    {
      const std::lock_guard guard(mutex_);
      leaving_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  StagedStream& stream() { return stream_; }
  uint64_t bytes_copied() {
    const std::lock_guard guard(mutex_);
    return bytes_copied_;
  }
  /// Waits until nothing is under way and nothing can be started.
  void settle() {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [this] { return to_ == nullptr && !woken_; });
  }

 private:
  void copy(std::byte* to, const std::byte* from, uint32_t bytes) override {
    to_ = to;
    from_ = from;
    bytes_ = bytes;
  }
  void halt() override { to_ = nullptr; }
  void wake() override {
    {
      const std::lock_guard guard(mutex_);
      woken_ = true;
    }
    changed_.notify_all();
  }
  void wait() override { std::this_thread::yield(); }
  void announce() override {}
  void lock() override { mutex_.lock(); }
  void unlock() override { mutex_.unlock(); }

  /// The pump's context: with the mutex held.
  void serve() {
    std::unique_lock guard(mutex_);
    for (;;) {
      changed_.wait(guard, [this] { return leaving_ || woken_ || to_ != nullptr; });
      if (leaving_) return;
      if (to_ != nullptr) {
        // A word at a time would show a piece that is handed out too early; so does a piece wiped first.
        std::memset(to_, 0xa5, bytes_);
        std::memcpy(to_, from_, bytes_);
        bytes_copied_ += bytes_;
        to_ = nullptr;
        stream_.copied();
      } else {
        woken_ = false;
        stream_.more();
      }
      changed_.notify_all();
      guard.unlock();
      guard.lock();
    }
  }

  StagedStream stream_{*this};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::byte* to_ = nullptr;
  const std::byte* from_ = nullptr;
  uint32_t bytes_ = 0;
  uint64_t bytes_copied_ = 0;
  bool woken_ = false;
  bool leaving_ = false;
  std::thread thread_;
};

}  // namespace pico_llama::test_support
