#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// Scheduled events: alarms, the end of an erase, USB frames, DMA transfers.
/// Two events at the same time run in the order in which they were scheduled, so a run is reproducible.
///
/// Cores execute up to `horizon()`, the cycle of the earliest event: an instruction that schedules something
/// sooner lowers it at once.
///
/// Cost: a word that the DMA moves from the XIP stream is three events, each scheduled and run within some
/// twenty cycles, while a dozen others are due much later. So events are kept in a short sorted
/// array, the earliest last, and nothing is allocated for a handler that fits into std::function.
class EventQueue {
 public:
  using Handler = std::function<void()>;
  /// While it lives, `end` is lowered to the horizon whenever an event is scheduled before it: a core's inner
  /// loop compares its clock with one variable of its own.
  class Watch {
   public:
    Watch(EventQueue& events, Cycle& end) : events_(events) { events.watched_ = &end; }
    ~Watch() { events_.watched_ = nullptr; }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    EventQueue& events_;
  };
  /// Names a scheduled event; 0 names none.
  using Id = std::uint64_t;

  explicit EventQueue(const Timebase& timebase) : timebase_(timebase) {}

  Id at_time(Picoseconds time, Handler handler) {
    return insert(time, timebase_.cycle_at(time), std::move(handler));
  }
  Id at_cycle(Cycle cycle, Handler handler) {
    return insert(timebase_.time_at(cycle), timebase_.not_before_change(cycle), std::move(handler));
  }
  /// Removes an event that has not run. Unknown ids, 0 and events that have run are ignored.
  void cancel(Id id);

  const Timebase& timebase() const { return timebase_; }
  /// Cycle of the earliest event, kNever when there is none.
  Cycle horizon() const { return horizon_; }
  /// Runs every event due at or before `now`, earliest first, including those they schedule.
  void run_due(Cycle now) {
    while (horizon_ <= now) run_first();
  }
  /// clk_sys changed: recomputes the cycles of waiting events.
  void timebase_changed();

 private:
  struct Waiting {
    Picoseconds time;
    Id id;        ///< grows, so equal times keep their order
    Cycle cycle;  ///< of `time`, at the present clk_sys
    std::uint32_t handler;
  };

  Id insert(Picoseconds time, Cycle cycle, Handler handler);
  void run_first();
  void update_horizon() {
    horizon_ = waiting_.empty() ? kNever : waiting_.back().cycle;
    if (watched_ != nullptr && horizon_ < *watched_) *watched_ = horizon_;
  }

  const Timebase& timebase_;
  std::vector<Waiting> waiting_;       ///< the earliest is the last
  std::vector<Handler> handlers_;      ///< separate, so that only plain words are sorted
  std::vector<std::uint32_t> unused_;  ///< of handlers_
  Id next_id_ = 1;
  Cycle horizon_ = kNever;
  Cycle* watched_ = nullptr;
};

}  // namespace pico_llama::simulator
