#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// The 48 user pins: their levels follow from the peripherals, IO_BANK0, PADS_BANK0 and the board outside.
/// Each of them sets its part. A function whose peripheral has set nothing leaves the pin floating.
class Gpio {
 public:
  static constexpr unsigned kPins = 48;
  /// FUNCSEL (datasheet section 9.4, table 646).
  static constexpr unsigned kFunctionSpi = 1, kFunctionI2c = 3, kFunctionPwm = 4, kFunctionSio = 5,
                            kFunctionPio0 = 6;
  static constexpr unsigned kFunctions = 12;

  /// Called after every change of any pin's level or input.
  class Observer {
   public:
    virtual ~Observer() = default;
    /// `inputs`: as inputs().
    virtual void levels_changed(std::uint64_t inputs) = 0;
  };
  void add_observer(Observer* observer) { observers_.push_back(observer); }
  /// Called after a pin's function or pad has changed (the QMI's second chip select is a pin's function).
  void set_function_observer(std::function<void()> changed) { function_changed_ = std::move(changed); }
  /// Called after the level of one of these pins has changed: a chip outside. It may drive() and release().
  void watch_levels(std::uint64_t pins, std::function<void()> changed) {
    watchers_.push_back({pins, std::move(changed)});
  }
  /// The pin has this function and its pad is not isolated.
  bool has_function(unsigned pin, unsigned function) const;

  /// A peripheral's part: level and output enable of every pin that selects `function`. `at`: the cycle of
  /// the change, where it is not that of a bus access or an event.
  void set_output(unsigned function, std::uint64_t out, std::uint64_t enable, std::optional<Cycle> at = {});
  /// The same for the pins of `mask` alone: one of several peripherals that share a function number.
  void set_output_of(unsigned function, std::uint64_t mask, std::uint64_t out, std::uint64_t enable,
                     std::optional<Cycle> at = {}) {
    set_output(function, (out_[function] & ~mask) | (out & mask),
               (enable_[function] & ~mask) | (enable & mask), at);
  }
  /// The pins that select `function` now.
  std::uint64_t selected(unsigned function) const { return selected_[function]; }
  /// While observers and watchers are called: the cycle that the source of the change has given.
  std::optional<Cycle> change_cycle() const { return change_cycle_; }

  // SIO's part.
  void set_sio(std::uint64_t out, std::uint64_t enable) { set_output(kFunctionSio, out, enable); }
  /// The value of SIO's GPIO_IN: the pads' input buffers, after IO_BANK0's input override.
  std::uint64_t inputs() const { return inputs_; }

  // IO_BANK0's part: the value of GPIOn_CTRL.
  void set_ctrl(unsigned pin, std::uint32_t ctrl);
  // PADS_BANK0's part: the value of GPIOn.
  void set_pad(unsigned pin, std::uint32_t pad);

  // The board's part.
  void drive(unsigned pin, bool level);
  void release(unsigned pin);
  /// Pull-up resistors on the board, such as an I2C bus has.
  void set_external_pull_ups(std::uint64_t pins);

  /// GPIOn_STATUS.
  std::uint32_t status(unsigned pin) const;
  bool level(unsigned pin) const { return (levels_ >> pin & 1U) != 0; }
  /// Whether this chip drives the pin, at whatever level.
  bool is_output(unsigned pin) const { return (outputs_ >> pin & 1U) != 0; }

 private:
  /// OUTOVER, OEOVER, INOVER, IRQOVER of all pins.
  struct Override {
    std::uint64_t inverted = 0, forced = 0, forced_value = 0;
    void set(unsigned pin, unsigned how);
    std::uint64_t apply(std::uint64_t value) const { return ((value ^ inverted) & ~forced) | forced_value; }
  };
  struct Output {
    std::uint64_t value, enabled;
  };
  struct Watcher {
    std::uint64_t pins;
    std::function<void()> changed;
  };

  void work_out();
  Output output() const;

  std::vector<Observer*> observers_;
  std::vector<Watcher> watchers_;
  std::function<void()> function_changed_;
  std::optional<Cycle> change_cycle_;
  std::array<std::uint64_t, kFunctions> out_{}, enable_{}, selected_{};
  Override out_override_, enable_override_, input_override_, irq_override_;
  std::uint64_t pull_up_ = 0, external_pull_up_ = 0, input_enable_ = 0, output_disable_ = 0, isolated_ = 0;
  std::uint64_t driven_ = 0, driven_level_ = 0;
  std::uint64_t levels_ = 0, inputs_ = 0, outputs_ = 0;
  std::array<std::uint8_t, kPins> function_{};
};

}  // namespace pico_llama::simulator
