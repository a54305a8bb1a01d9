#pragma once
#include <array>

#include "simulator/cpu/signals.h"
#include "simulator/devices/ticks.h"

namespace pico_llama::simulator {

/// TIMER0, TIMER1: 64-bit microsecond counters with four alarms on the low word (datasheet section 12.8).
class Timer : public RegisterDevice {
 public:
  Timer(std::string name, unsigned first_irq, Ticks::Generator generator, Ticks& ticks, Timebase& timebase,
        EventQueue& events, InterruptLines& interrupts);
  void reset() override;

  std::uint64_t count_at(Picoseconds time) const;

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  static constexpr unsigned kAlarms = 4;
  void set_count(std::uint64_t count, Picoseconds time);
  void schedule(unsigned alarm, Picoseconds not_before);
  void reschedule();
  void fire(unsigned alarm);
  void update_interrupts();

  unsigned first_irq_;
  Ticks::Generator generator_;
  Ticks& ticks_;
  Timebase& timebase_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::uint64_t base_ = 0;  ///< count minus ticks while it runs
  std::uint64_t paused_count_ = 0;
  bool paused_ = false;
  std::uint32_t latched_high_ = 0;
  std::uint32_t armed_ = 0;
  Picoseconds last_seen_ = 0;  ///< of the last access: alarms in the past of it have been missed
  std::array<EventQueue::Id, kAlarms> events_of_alarms_{};
};

}  // namespace pico_llama::simulator
