#pragma once
#include <array>
#include <functional>

#include "simulator/clock/event_queue.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// TICKS: divides clk_ref down to the ticks that timers, watchdog and SysTick count (datasheet section 8.5).
/// The ticks themselves are never simulated: they are counted from the time that has passed.
class Ticks : public RegisterDevice {
 public:
  enum Generator : unsigned { kProc0, kProc1, kTimer0, kTimer1, kWatchdog, kRiscv, kCount };

  explicit Ticks(Timebase& timebase);
  void reset() override;

  /// Ticks since power-on.
  std::uint64_t count_at(Generator generator, Picoseconds time) const;
  /// Time of the tick with that count, ~0 if the generator is stopped.
  Picoseconds time_of(Generator generator, std::uint64_t count) const;

  /// clk_ref runs at another frequency from `now` on.
  void clock_changed(std::uint32_t clk_ref_hz, Cycle now);
  /// Called when `generator` starts, stops or changes speed.
  void set_observer(Generator generator, std::function<void()> changed) {
    observers_[generator] = std::move(changed);
  }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  struct State {
    std::uint64_t origin_count = 0;
    Picoseconds origin_time = 0;
    std::uint32_t cycles = 0;  ///< periods of clk_ref per tick; 0: stopped
  };
  void restart(unsigned generator, Picoseconds time);

  Timebase& timebase_;
  std::uint32_t clk_ref_hz_ = 0;
  std::array<State, kCount> states_{};
  std::array<std::function<void()>, kCount> observers_;
};

}  // namespace pico_llama::simulator
