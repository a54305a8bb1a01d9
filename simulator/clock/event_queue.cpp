#include "simulator/clock/event_queue.h"

namespace pico_llama::simulator {

EventQueue::Id EventQueue::at_time(Picoseconds time, Handler handler) {
  const Id id = next_id_++;
  waiting_.emplace(Key{time, id}, std::move(handler));
  time_of_.emplace(id, time);
  update_horizon();
  return id;
}

void EventQueue::cancel(Id id) {
  const auto found = time_of_.find(id);
  if (found == time_of_.end()) return;
  waiting_.erase(Key{found->second, id});
  time_of_.erase(found);
  update_horizon();
}

void EventQueue::run_due(Cycle now) {
  while (horizon_ <= now) {
    auto first = waiting_.begin();
    Handler handler = std::move(first->second);
    time_of_.erase(first->first.second);
    waiting_.erase(first);
    update_horizon();
    handler();
  }
}

void EventQueue::update_horizon() {
  horizon_ = waiting_.empty() ? kNever : timebase_.cycle_at(waiting_.begin()->first.first);
}

}  // namespace pico_llama::simulator
