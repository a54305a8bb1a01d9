#pragma once
#include <array>

#include "simulator/cpu/signals.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// IO_BANK0: function select, overrides and interrupts of the 48 pins (datasheet section 9.11.1).
class IoBank0 : public RegisterDevice, private Gpio::Observer {
 public:
  IoBank0(Gpio& gpio, InterruptLines& interrupts);
  void reset() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  static constexpr unsigned kWords = 6;  // eight pins of four interrupt bits each in a word
  void levels_changed(std::uint64_t levels) override;
  std::uint32_t raw(unsigned word) const;
  std::uint32_t active(unsigned core, unsigned word) const;
  void update_interrupts();

  Gpio& gpio_;
  InterruptLines& interrupts_;
  std::uint64_t levels_ = 0;
  bool any_enabled_ = false;  ///< an interrupt is enabled or forced: a change of level may raise it
  std::array<std::uint32_t, kWords> edges_{};
};

/// PADS_BANK0: pulls, input enable and isolation (datasheet section 9.11.3).
class PadsBank0 : public RegisterDevice {
 public:
  explicit PadsBank0(Gpio& gpio);
  void reset() override;

 protected:
  void on_write(const Write& write, const Access& access) override;

 private:
  Gpio& gpio_;
};

}  // namespace pico_llama::simulator
