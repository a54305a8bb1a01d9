#pragma once
#include <functional>

#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// PSM: the power-on state machine (datasheet section 7.4). Software uses it to reset core 1 and to choose
/// the scope of a watchdog reset; forcing off anything else is not modelled.
class Psm : public RegisterDevice {
 public:
  static constexpr std::uint32_t kAll = 0x01ffffff, kProc1 = 1U << 24, kProc0 = 1U << 23, kXosc = 1U << 3;

  Psm();
  void reset_by_watchdog();
  /// Called when core 1 is put into reset (true) and released (false).
  void set_core1_reset(std::function<void(bool held)> observer) { core1_reset_ = std::move(observer); }
  std::uint32_t watchdog_selection() const { return stored(kWdsel); }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  static constexpr std::uint32_t kFrceOff = 0x4, kWdsel = 0x8, kDone = 0xc;
  std::function<void(bool)> core1_reset_;
};

}  // namespace pico_llama::simulator
