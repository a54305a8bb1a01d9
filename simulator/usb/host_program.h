#pragma once
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "simulator/clock/event_queue.h"
#include "simulator/usb/host.h"

namespace pico_llama::simulator {

/// A sequence of USB transfers, written as a coroutine. Starts when it is awaited, or by start(). Destroying
/// it ends it wherever it waits.
template <typename T>
class HostTask {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr failure;
    std::coroutine_handle<> continuation;
    HostTask get_return_object() {
      return HostTask(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> handle) noexcept {
        const std::coroutine_handle<> next = handle.promise().continuation;
        return next ? next : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_value(T result) { value = std::move(result); }
    void unhandled_exception() { failure = std::current_exception(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  explicit HostTask(Handle handle) : handle_(handle) {}
  HostTask(HostTask&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  HostTask(const HostTask&) = delete;
  HostTask& operator=(const HostTask&) = delete;
  ~HostTask() {
    if (handle_) handle_.destroy();
  }

  /// Runs to the first wait. Requires: not awaited.
  void start() { handle_.resume(); }
  bool done() const { return handle_.done(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() {
    if (handle_.promise().failure) std::rethrow_exception(handle_.promise().failure);
    return std::move(*handle_.promise().value);
  }

 private:
  Handle handle_;
};

/// A program on the host that speaks to a device by itself, through bulk endpoints and requests. Each
/// operation ends after 30 simulated seconds at the latest.
class HostProgram {
 public:
  struct Outcome {
    TransferEnd end = TransferEnd::kGone;
    std::vector<std::uint8_t> data;
    bool ok() const { return end == TransferEnd::kDone; }
  };
  /// An operation in progress: `co_await` gives its outcome.
  class Operation {
   public:
    using Finish = std::function<void(Outcome, Picoseconds)>;
    Operation(HostProgram& program, std::function<void(Finish)> begin)
        : program_(program), begin_(std::move(begin)) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      const std::function<void(Finish)> begin = std::move(begin_);  // it may end at once, and this with it
      begin([this, handle](Outcome outcome, Picoseconds now) {
        program_.now_ = now;
        outcome_ = std::move(outcome);
        handle.resume();
      });
    }
    Outcome await_resume() { return std::move(outcome_); }

   private:
    HostProgram& program_;
    std::function<void(Finish)> begin_;
    Outcome outcome_;
  };

  HostProgram(UsbHost& host, EventQueue& events, Picoseconds now) : host_(host), events_(events), now_(now) {}
  ~HostProgram();
  HostProgram(const HostProgram&) = delete;
  HostProgram& operator=(const HostProgram&) = delete;

  Picoseconds now() const { return now_; }
  UsbHost& host() { return host_; }
  Operation bulk_in(unsigned endpoint, std::size_t bytes);
  Operation bulk_out(unsigned endpoint, std::vector<std::uint8_t> data);
  Operation control(ControlTransfer transfer);
  Operation clear_halt(unsigned endpoint, bool in);
  Operation sleep(Picoseconds duration);

 private:
  void watch(unsigned endpoint, bool in);
  void unwatch();
  Operation bulk(BulkTransfer transfer);

  UsbHost& host_;
  EventQueue& events_;
  Picoseconds now_;
  EventQueue::Id timer_ = 0;
};

}  // namespace pico_llama::simulator
