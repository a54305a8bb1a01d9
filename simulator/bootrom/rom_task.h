#pragma once
#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// A ROM function in progress. It is a coroutine, so that the other core and the events run while it waits
/// for a chip: `co_await WaitUntil{cycle}`.
class RomTask {
 public:
  struct promise_type {
    Cycle resume_at = 0;
    std::uint32_t result = 0;
    std::exception_ptr failure;
    RomTask get_return_object() { return RomTask(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(std::uint32_t value) { result = value; }
    void unhandled_exception() { failure = std::current_exception(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  explicit RomTask(Handle handle) : handle_(handle) {}
  RomTask(RomTask&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  RomTask& operator=(RomTask&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~RomTask() {
    if (handle_) handle_.destroy();
  }

  /// Runs to the next wait or the end. Rethrows its exceptions.
  void resume() {
    handle_.resume();
    if (handle_.promise().failure) std::rethrow_exception(handle_.promise().failure);
  }
  bool done() const { return handle_.done(); }
  std::uint32_t result() const { return handle_.promise().result; }
  Cycle resume_at() const { return handle_.promise().resume_at; }

 private:
  Handle handle_;
};

struct WaitUntil {
  Cycle cycle;
  bool await_ready() const noexcept { return false; }
  void await_suspend(RomTask::Handle handle) const noexcept { handle.promise().resume_at = cycle; }
  void await_resume() const noexcept {}
};

}  // namespace pico_llama::simulator
