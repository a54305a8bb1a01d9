#pragma once
#include <cstdint>

#include "simulator/clock/event_queue.h"

namespace pico_llama::simulator {

struct Cpu;

/// The 24-bit SysTick timer (Armv8-M ARM, B11). Counts clk_sys, or the external reference that the TICKS
/// block makes. Its value is computed when asked for; an event marks the moment at which it reaches 0.
class SysTick {
 public:
  explicit SysTick(Cpu& cpu) : cpu_(cpu) {}

  std::uint32_t read_csr();
  void write_csr(std::uint32_t value);
  std::uint32_t rvr() const { return reload_; }
  void write_rvr(std::uint32_t value);
  std::uint32_t read_cvr();
  void write_cvr();
  std::uint32_t calib() const;
  void set_reference(Picoseconds period);
  void clock_changed();
  void reset();

 private:
  bool enabled() const { return (control_ & 1) != 0; }
  bool core_clock() const { return (control_ & 4) != 0; }
  /// Ticks since the counter was last set (`value_` is what it was then).
  std::uint64_t elapsed() const;
  std::uint32_t value_now() const;
  /// Takes the present value as the new starting point, noting a passage through 0 on the way.
  void rebase();
  void schedule();
  void reached_zero();

  Cpu& cpu_;
  std::uint32_t control_ = 0;
  bool count_flag_ = false;
  std::uint32_t reload_ = 0;
  std::uint32_t value_ = 0;
  Cycle origin_cycle_ = 0;
  Picoseconds origin_time_ = 0;
  Picoseconds reference_ = 0;
  EventQueue::Id event_ = 0;
};

}  // namespace pico_llama::simulator
