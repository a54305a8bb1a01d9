#include "tools/serve/story_queue.h"

#include <algorithm>
#include <utility>

#include "tools/serve/stop_strings.h"

namespace pico_llama::serve {

std::string Story::next(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return !text_.empty() || end_ || error_; });
  if (text_.empty() && error_) std::rethrow_exception(error_);
  return std::exchange(text_, {});
}

std::optional<JobEnd> Story::end() {
  const std::lock_guard lock(mutex_);
  return text_.empty() ? end_ : std::nullopt;
}

StoryQueue::StoryQueue(Storyteller& storyteller, std::size_t most_waiting)
    : storyteller_(storyteller), most_waiting_(most_waiting) {
  check();
  thread_ = std::thread([this] { work(); });
}

StoryQueue::~StoryQueue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (telling_) telling_->cancelled_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (const auto& story : waiting_)
    finish(*story, {}, std::make_exception_ptr(Unavailable("the server is being stopped")));
}

std::shared_ptr<Story> StoryQueue::submit(Job job) {
  const std::lock_guard lock(mutex_);
  if (ending_) throw Unavailable("the server is being stopped");
  if (unavailable_) throw Unavailable(*unavailable_);
  if (waiting_.size() >= most_waiting_ + (telling_ ? 0 : 1)) {
    ++figures_.refused_busy;
    throw Busy(fmt::format("{} stories are waiting already; try again later", waiting_.size()));
  }
  waiting_.push_back(std::make_shared<Story>(std::move(job)));
  changed_.notify_all();
  return waiting_.back();
}

void StoryQueue::cancel(const std::shared_ptr<Story>& story) {
  const std::lock_guard lock(mutex_);
  story->cancelled_ = true;
  figures_.cancelled += std::erase(waiting_, story);
}

std::optional<std::string> StoryQueue::unavailable() {
  const std::lock_guard lock(mutex_);
  return unavailable_;
}

QueueFigures StoryQueue::figures() {
  const std::lock_guard lock(mutex_);
  QueueFigures figures = figures_;
  figures.waiting = waiting_.size();
  figures.telling = telling_ != nullptr;
  figures.available = !unavailable_;
  return figures;
}

void StoryQueue::check() {
  std::optional<std::string> why;
  try {
    storyteller_.check();
  } catch (const Failure& failure) {
    why = failure.what();
  }
  std::deque<std::shared_ptr<Story>> refused;
  {
    const std::lock_guard lock(mutex_);
    unavailable_ = why;
    if (why) refused.swap(waiting_);
    figures_.failed += refused.size();
  }
  for (const auto& story : refused) finish(*story, {}, std::make_exception_ptr(Unavailable(*why)));
}

void StoryQueue::work() {
  constexpr std::chrono::seconds kBetweenChecks{1};
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (!changed_.wait_for(lock, kBetweenChecks, [this] { return ending_ || !waiting_.empty(); })) {
      lock.unlock();
      check();
      lock.lock();
      continue;
    }
    if (ending_) break;
    telling_ = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    tell(*telling_);
    lock.lock();
    telling_.reset();
  }
}

void StoryQueue::tell(Story& story) {
  StopStrings stop(story.job_.stop);
  JobEnd end;
  const auto show = [&story](const std::string& text) {
    if (text.empty()) return;
    const std::lock_guard lock(story.mutex_);
    story.text_ += text;
    story.changed_.notify_all();
  };
  try {
    const StoryEnd told = storyteller_.tell(
        story.job_.request,
        [&](std::string_view text, bool is_token) {
          if (is_token) ++end.completion_tokens;
          show(stop.add(text));
          return !stop.stopped() && end.completion_tokens != story.job_.max_tokens;
        },
        story.cancelled_);
    end.length = !told.ended && !stop.stopped();
    end.prompt_tokens = told.prompt_tokens;
    show(stop.rest());
    {
      const std::lock_guard lock(mutex_);
      (story.cancelled_ ? figures_.cancelled : figures_.stories) += 1;
      figures_.prompt_tokens += static_cast<std::uint64_t>(end.prompt_tokens);
      figures_.completion_tokens += static_cast<std::uint64_t>(end.completion_tokens);
      figures_.tokens_per_second = told.tokens_per_second;
    }
    finish(story, end, nullptr);
  } catch (const Failure& failure) {
    {
      const std::lock_guard lock(mutex_);
      ++figures_.failed;
      if (dynamic_cast<const Unavailable*>(&failure) != nullptr) unavailable_ = failure.what();
    }
    finish(story, {}, std::current_exception());
  }
}

void StoryQueue::finish(Story& story, std::optional<JobEnd> end, std::exception_ptr error) {
  const std::lock_guard lock(story.mutex_);
  story.end_ = end;
  story.error_ = std::move(error);
  story.changed_.notify_all();
}

}  // namespace pico_llama::serve
