#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// Clock cycles of clk_sys since power-on. The unit in which cores, bus and DMA count.
using Cycle = std::uint64_t;
/// Simulated time since power-on. The unit in which alarms, chips and the USB frame clock count.
using Picoseconds = std::uint64_t;

inline constexpr Picoseconds kPicosecondsPerSecond = 1'000'000'000'000;
inline constexpr Picoseconds kPicosecondsPerMicrosecond = 1'000'000;
inline constexpr Cycle kNever = ~Cycle{0};

/// Converts between cycles of clk_sys and time, across changes of clk_sys. Between two changes the relation
/// is a straight line through (origin_cycle, origin_time); the past before the last change is not
/// convertible. Exact: integer arithmetic, rounded down, so the same run gives the same numbers on every
/// host.
class Timebase {
 public:
  explicit Timebase(std::uint32_t clk_sys_hz) : hz_(clk_sys_hz) {}

  std::uint32_t clk_sys_hz() const { return hz_; }

  /// Time at which `cycle` begins. Cycles before the last frequency change count as that change.
  Picoseconds time_at(Cycle cycle) const;
  /// First cycle that begins at or after `time`; cycles before the last change count as that change.
  Cycle cycle_at(Picoseconds time) const;

  /// From `cycle` on, clk_sys runs at `clk_sys_hz`.
  void change(Cycle cycle, std::uint32_t clk_sys_hz);

 private:
  std::uint32_t hz_;
  Cycle origin_cycle_ = 0;
  Picoseconds origin_time_ = 0;
};

}  // namespace pico_llama::simulator
