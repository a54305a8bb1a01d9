#pragma once
#include <cmath>
#include <cstdint>

namespace pico_llama::simulator {

/// Clock cycles of clk_sys since power-on. The unit in which cores, bus and DMA count.
using Cycle = std::uint64_t;
/// Simulated time since power-on. The unit in which alarms, chips and the USB frame clock count.
using Picoseconds = std::uint64_t;

inline constexpr Picoseconds kPicosecondsPerSecond = 1'000'000'000'000;
inline Picoseconds picoseconds(double seconds) {
  return static_cast<Picoseconds>(std::llround(seconds * static_cast<double>(kPicosecondsPerSecond)));
}
inline constexpr Picoseconds kPicosecondsPerMicrosecond = 1'000'000;
inline constexpr Cycle kNever = ~Cycle{0};

/// Converts between cycles of clk_sys and time, across changes of clk_sys. Between two changes the relation
/// is a straight line through (origin_cycle, origin_time); the past before the last change is not
/// convertible. Exact: integer arithmetic, rounded down, so the same run gives the same numbers on every
/// host.
class Timebase {
 public:
  explicit Timebase(std::uint32_t clk_sys_hz) { set_hz(clk_sys_hz); }

  std::uint32_t clk_sys_hz() const { return hz_; }

  /// Time at which `cycle` begins. Cycles before the last frequency change count as that change.
  Picoseconds time_at(Cycle cycle) const {
    // The other core may be a few cycles behind the change.
    if (cycle <= origin_cycle_) return origin_time_;
    return origin_time_ + scale(cycle - origin_cycle_, picoseconds_, cycles_);
  }
  /// First cycle that begins at or after `time`; cycles before the last change count as that change.
  Cycle cycle_at(Picoseconds time) const {
    if (time <= origin_time_) return origin_cycle_;
    const Cycle cycle = origin_cycle_ + scale(time - origin_time_, cycles_, picoseconds_);
    return time_at(cycle) < time ? cycle + 1 : cycle;
  }
  /// cycle_at(time_at(cycle)).
  Cycle not_before_change(Cycle cycle) const { return cycle <= origin_cycle_ ? origin_cycle_ : cycle; }

  /// From `cycle` on, clk_sys runs at `clk_sys_hz`.
  void change(Cycle cycle, std::uint32_t clk_sys_hz);

 private:
  void set_hz(std::uint32_t hz);
  /// count * numerator / denominator, rounded down. In 64 bits where the product fits: every event is
  /// converted, and libgcc's 128-bit division alone was 6 % of the host's time for a story in f32. The
  /// product overflows only after months of simulated time, or at a frequency of many digits.
  static std::uint64_t scale(std::uint64_t count, std::uint64_t numerator, std::uint64_t denominator) {
    std::uint64_t product;
    if (!__builtin_mul_overflow(count, numerator, &product)) [[likely]]
      return product / denominator;
    return scale_wide(count, numerator, denominator);
  }
  static std::uint64_t scale_wide(std::uint64_t count, std::uint64_t numerator, std::uint64_t denominator);

  std::uint32_t hz_ = 0;
  /// `cycles_` cycles take `picoseconds_`, in lowest terms: 3 and 20000 at 150 MHz.
  std::uint64_t cycles_ = 1, picoseconds_ = 1;
  Cycle origin_cycle_ = 0;
  Picoseconds origin_time_ = 0;
};

}  // namespace pico_llama::simulator
