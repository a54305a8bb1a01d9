#include "simulator/clock/event_queue.h"

#include <algorithm>
#include <utility>

namespace pico_llama::simulator {

EventQueue::Id EventQueue::insert(Picoseconds time, Cycle cycle, Handler handler) {
  const Id id = next_id_++;
  std::uint32_t place = 0;
  if (unused_.empty()) {
    place = static_cast<std::uint32_t>(handlers_.size());
    handlers_.push_back(std::move(handler));
  } else {
    place = unused_.back();
    unused_.pop_back();
    handlers_[place] = std::move(handler);
  }
  // After events of the same time, so before them in the array. Searched from the end: most are due soon.
  auto at = waiting_.end();
  while (at != waiting_.begin() && std::prev(at)->time <= time) --at;
  waiting_.insert(at, {time, id, cycle, place});
  update_horizon();
  return id;
}

void EventQueue::cancel(Id id) {
  const auto found =
      std::find_if(waiting_.begin(), waiting_.end(), [id](const Waiting& event) { return event.id == id; });
  if (id == 0 || found == waiting_.end()) return;
  handlers_[found->handler] = nullptr;
  unused_.push_back(found->handler);
  waiting_.erase(found);
  update_horizon();
}

void EventQueue::run_first() {
  const std::uint32_t place = waiting_.back().handler;
  // Moved out: the handler may schedule events, which moves the others.
  const Handler handler = std::exchange(handlers_[place], nullptr);
  unused_.push_back(place);
  waiting_.pop_back();
  update_horizon();
  handler();
}

void EventQueue::timebase_changed() {
  for (Waiting& event : waiting_) event.cycle = timebase_.cycle_at(event.time);
  update_horizon();
}

}  // namespace pico_llama::simulator
