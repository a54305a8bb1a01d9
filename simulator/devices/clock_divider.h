#pragma once
#include <cstdint>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// A fractional clock divider, first-order delta-sigma, as PIO (datasheet section 11.5.5) and PWM (12.5.2.4)
/// have one: it enables one cycle each whole + fractional / 256 cycles and runs freely.
class ClockDivider {
 public:
  /// The period that runs now keeps its length [ASSUMED].
  void set(std::uint32_t whole, std::uint32_t fractional) {
    whole_ = whole;
    fractional_ = fractional;
  }
  /// Phase 0: the first enabled cycle is `first`.
  void restart(Cycle first) {
    next_ = first;
    fraction_ = 0;
  }
  /// The divider has been held for so many cycles.
  void delay(Cycle cycles) { next_ += cycles; }
  bool divides() const { return whole_ > 1 || fractional_ != 0; }
  Cycle next() const { return next_; }
  /// The enabled cycle `count` after the next one.
  Cycle after(std::uint64_t count) const {
    return next_ + count * whole_ + ((fraction_ + count * fractional_) >> 8);
  }
  void consume(std::uint64_t count) {
    const std::uint64_t sum = fraction_ + count * fractional_;
    next_ += count * whole_ + (sum >> 8);
    fraction_ = sum & 255;
  }
  /// How many enabled cycles come before `cycle`.
  std::uint64_t count_before(Cycle cycle) const {
    if (next_ >= cycle) return 0;
    // The smallest n with fraction + n * period >= 256 * distance.
    const std::uint64_t period = 256 * whole_ + fractional_, distance = 256 * (cycle - next_);
    return distance <= fraction_ ? 0 : (distance - fraction_ + period - 1) / period;
  }

 private:
  Cycle next_ = 0;
  std::uint64_t whole_ = 1, fractional_ = 0;
  std::uint64_t fraction_ = 0;  ///< the running total, in 1/256; kept below 1
};

}  // namespace pico_llama::simulator
