#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// What will happen, and when: alarms, chips that finish an erase, USB frames, DMA transfers.
/// Two events at the same time run in the order in which they were scheduled, so a run is reproducible.
///
/// Cores execute up to `horizon()`, the cycle of the earliest event, and read it again after every
/// instruction: an instruction that schedules something sooner lowers it at once.
class EventQueue {
 public:
  using Handler = std::function<void()>;
  /// Names a scheduled event; 0 names none.
  using Id = std::uint64_t;

  explicit EventQueue(const Timebase& timebase) : timebase_(timebase) {}

  Id at_time(Picoseconds time, Handler handler);
  Id at_cycle(Cycle cycle, Handler handler) { return at_time(timebase_.time_at(cycle), std::move(handler)); }
  /// Forgets an event that has not run. Unknown ids, 0 and events that have run are fine.
  void cancel(Id id);

  const Timebase& timebase() const { return timebase_; }
  /// Cycle of the earliest event, kNever when there is none.
  Cycle horizon() const { return horizon_; }
  /// Runs every event due at or before `now`, earliest first, including those they schedule.
  void run_due(Cycle now);
  /// The clock changed: cycles of waiting events are other cycles now.
  void timebase_changed() { update_horizon(); }

 private:
  using Key = std::pair<Picoseconds, Id>;  // Id grows, so equal times keep their order
  void update_horizon();

  const Timebase& timebase_;
  std::map<Key, Handler> waiting_;
  std::map<Id, Picoseconds> time_of_;
  Id next_id_ = 1;
  Cycle horizon_ = kNever;
};

}  // namespace pico_llama::simulator
