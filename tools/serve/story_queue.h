#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tools/serve/storyteller.h"

namespace pico_llama::serve {

/// As many stories wait as may (HTTP 429).
class Busy : public Failure {
 public:
  using Failure::Failure;
};

struct Job {
  StoryRequest request;
  std::vector<std::string> stop;
  int max_tokens = 0;  ///< generated tokens at most; 0: as many as the context holds
};

struct JobEnd {
  bool length =
      false;  ///< cut by max_tokens or the context's end; otherwise the story ended or a stop string came
  int prompt_tokens = 0;
  int completion_tokens = 0;  ///< without the end token
};

/// One request's story: the queue writes it, the connection's thread reads it.
class Story {
 public:
  explicit Story(Job job) : job_(std::move(job)) {}

  /// Text that has arrived since the last call; waits for at most `wait` if there is none.
  /// Errors: Unavailable or Refused, once all text from before it has been taken.
  std::string next(std::chrono::milliseconds wait);
  /// The end, once it has come and all text has been taken.
  std::optional<JobEnd> end();

 private:
  friend class StoryQueue;
  const Job job_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::optional<JobEnd> end_;
  std::exception_ptr error_;
};

/// Figures since the start, for /metrics.
struct QueueFigures {
  std::uint64_t stories = 0, failed = 0, cancelled = 0, refused_busy = 0;
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;
  double tokens_per_second = 0;  ///< of the last story
  std::size_t waiting = 0;
  bool telling = false, available = false;
};

/// One story at a time, first come, first served, with a bounded number of waiting ones.
class StoryQueue {
 public:
  StoryQueue(Storyteller& storyteller, std::size_t most_waiting);
  /// Cancels what is being told and fails what waits.
  ~StoryQueue();
  StoryQueue(const StoryQueue&) = delete;
  StoryQueue& operator=(const StoryQueue&) = delete;

  /// Errors: Busy, Unavailable.
  std::shared_ptr<Story> submit(Job job);
  /// The reader has gone: the story ends as soon as it can, or never begins.
  void cancel(const std::shared_ptr<Story>& story);
  /// Why no story can begin at present, or nothing.
  std::optional<std::string> unavailable();
  QueueFigures figures();

 private:
  void work();
  void check();
  void tell(Story& story);
  static void finish(Story& story, std::optional<JobEnd> end, std::exception_ptr error);

  Storyteller& storyteller_;
  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Story>> waiting_;
  std::shared_ptr<Story> telling_;
  std::optional<std::string> unavailable_ = "starting; try again in a second";
  QueueFigures figures_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace pico_llama::serve
