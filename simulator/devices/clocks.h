#pragma once
#include <functional>
#include <vector>

#include "simulator/clock/timebase.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/oscillators.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// CLOCKS: the clock generators, the frequency counter and the resuscitator (datasheet section 8.1).
/// Owns the relation of clk_sys to time: every change of clk_sys changes the Timebase.
class Clocks : public RegisterDevice {
 public:
  struct Sources {
    const Xosc& xosc;
    const Rosc& rosc;
    const Pll& pll_sys;
    const Pll& pll_usb;
  };
  Clocks(Timebase& timebase, EventQueue& events, InterruptLines& interrupts, Sources sources);

  void reset() override;

  std::uint32_t clk_ref_hz() const { return ref_hz_; }
  std::uint32_t clk_sys_hz() const { return sys_hz_; }
  std::uint32_t clk_peri_hz() const;
  std::uint32_t clk_usb_hz() const;
  std::uint32_t clk_adc_hz() const;

  /// A source changed (XOSC, a PLL): recomputes every clock.
  void update(Cycle now);
  /// Called after any clock changed, in the order of registration.
  void add_observer(ClockChanged changed) { observers_.push_back(std::move(changed)); }
  /// Called before clk_sys changes to `hz`; may stop the run.
  void set_limit_check(std::function<void(std::uint32_t hz)> check) { limit_check_ = std::move(check); }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  std::uint32_t ref_source_hz() const;
  std::uint32_t sys_source_hz() const;
  std::uint32_t aux_hz(std::uint32_t ctrl_offset) const;
  std::uint32_t divided_aux_hz(std::uint32_t ctrl_offset) const;
  std::uint32_t counted_hz(std::uint32_t source) const;
  void resuscitate();

  Timebase& timebase_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  Sources sources_;
  std::vector<ClockChanged> observers_;
  std::function<void(std::uint32_t)> limit_check_;
  std::uint32_t ref_hz_ = Rosc::kNominalHz;
  std::uint32_t sys_hz_ = Rosc::kNominalHz;
  bool resussed_ = false;
  Cycle count_done_ = 0;  // FC0
};

}  // namespace pico_llama::simulator
