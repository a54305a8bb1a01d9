#pragma once
#include <functional>

#include "simulator/devices/ticks.h"

namespace pico_llama::simulator {

/// WATCHDOG: counts down on its tick and resets the chip at zero (datasheet section 12.9). Its scratch
/// registers and the reason survive that reset; a power-on clears them.
class Watchdog : public RegisterDevice {
 public:
  enum Reason : std::uint32_t { kNone = 0, kTimer = 1, kForce = 2 };

  Watchdog(Ticks& ticks, Timebase& timebase, EventQueue& events);
  /// Power-on.
  void reset() override;
  /// The reset that the watchdog itself made.
  void reset_by_watchdog(Reason reason);
  /// Called when it fires.
  void set_strike(std::function<void(Reason)> strike) { strike_ = std::move(strike); }

  std::uint32_t scratch(unsigned index) const { return stored(kScratch0 + 4 * index); }
  void set_scratch(unsigned index, std::uint32_t value) { stored(kScratch0 + 4 * index) = value; }
  Reason reason() const { return reason_; }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  static constexpr std::uint32_t kCtrl = 0x0, kLoad = 0x4, kReason = 0x8, kScratch0 = 0xc;
  std::uint32_t left_at(Picoseconds time) const;
  void schedule(Picoseconds time);

  Ticks& ticks_;
  Timebase& timebase_;
  EventQueue& events_;
  std::function<void(Reason)> strike_;
  Reason reason_ = kNone;
  std::uint32_t left_ = 0;  ///< at the tick count below
  std::uint64_t counted_from_ = 0;
  bool enabled_ = false;
  Picoseconds last_seen_ = 0;
  EventQueue::Id event_ = 0;
};

}  // namespace pico_llama::simulator
