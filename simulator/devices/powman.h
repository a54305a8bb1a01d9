#pragma once
#include <functional>

#include "simulator/clock/event_queue.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// POWMAN as far as a running program uses it: the core voltage regulator, the millisecond timer with its
/// alarm, scratch and boot registers (datasheet section 6.4). Power states are not modelled: asking for one
/// is a Stop.
class Powman : public RegisterDevice {
 public:
  Powman(Timebase& timebase, EventQueue& events, InterruptLines& interrupts);
  /// Power-on.
  void reset() override;
  /// Records a reset that does not affect POWMAN, and its cause.
  void note_watchdog_reset();
  void note_run_reset();

  /// Core voltage in millivolts.
  unsigned core_millivolts() const;
  /// Called when the voltage changes.
  void set_voltage_observer(std::function<void()> changed) { voltage_changed_ = std::move(changed); }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  std::uint64_t count_at(Picoseconds time) const;
  std::uint64_t four_halves(std::uint32_t first_offset) const;
  void update_timer(Picoseconds time);
  void update_interrupts();

  Timebase& timebase_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::function<void()> voltage_changed_;
  bool running_ = false;
  std::uint64_t origin_ms_ = 0;
  Picoseconds origin_time_ = 0;
  bool alarm_ = false;
  EventQueue::Id alarm_event_ = 0;
};

}  // namespace pico_llama::simulator
