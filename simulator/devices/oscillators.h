#pragma once
#include <functional>

#include "simulator/clock/event_queue.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// Called when a clock source's frequency has changed, with the cycle of the change.
using ClockChanged = std::function<void(Cycle now)>;

/// XOSC: the 12 MHz crystal (datasheet section 8.2). Off after reset, stable STARTUP.DELAY * 256 periods
/// after it is enabled.
class Xosc : public RegisterDevice {
 public:
  static constexpr std::uint32_t kHz = 12'000'000;

  Xosc(Timebase& timebase, EventQueue& events);
  void reset() override;
  std::uint32_t hz() const { return stable_ ? kHz : 0; }
  void set_observer(ClockChanged changed) { changed_ = std::move(changed); }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  Timebase& timebase_;
  EventQueue& events_;
  ClockChanged changed_;
  EventQueue::Id startup_ = 0;
  bool enabled_ = false;
  bool stable_ = false;
};

/// ROSC: the ring oscillator that the chip wakes up with (datasheet section 8.3).
class Rosc : public RegisterDevice {
 public:
  /// Nominal, after reset: the ring divided by 8. Source: datasheet section 8.3 (4.6 to 19.6 MHz guaranteed).
  static constexpr std::uint32_t kNominalHz = 11'000'000;

  explicit Rosc(std::uint64_t seed);
  std::uint32_t hz() const { return kNominalHz; }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;

 private:
  std::uint64_t random_;
};

/// PLL_SYS and PLL_USB (datasheet section 8.6): REF / REFDIV * FBDIV / (POSTDIV1 * POSTDIV2).
class Pll : public RegisterDevice {
 public:
  Pll(std::string name, Timebase& timebase, EventQueue& events, const Xosc& reference);
  void reset() override;
  std::uint32_t hz() const;
  void set_observer(ClockChanged changed) { changed_ = std::move(changed); }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  std::uint32_t reference_hz() const;  ///< behind REFDIV; 0 if that is 0
  /// The same, with every setting checked against the datasheet's limits.
  /// Errors: Stop.
  std::uint32_t checked_reference_hz() const;

  Timebase& timebase_;
  EventQueue& events_;
  const Xosc& reference_;
  ClockChanged changed_;
  EventQueue::Id locking_ = 0;
  bool locked_ = false;
};

}  // namespace pico_llama::simulator
