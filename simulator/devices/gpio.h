#pragma once
#include <array>
#include <cstdint>
#include <functional>

namespace pico_llama::simulator {

/// The 48 user pins: their levels follow from SIO, IO_BANK0, PADS_BANK0 and the board outside. Each of those
/// devices sets its part; only function 5 (SIO) drives a pin here, other functions leave it floating.
class Gpio {
 public:
  static constexpr unsigned kPins = 48;
  static constexpr unsigned kFunctionSio = 5;

  /// Called after every change of any pin's level: IO_BANK0's edge detectors.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void levels_changed(std::uint64_t levels) = 0;
  };
  void set_observer(Observer* observer) { observer_ = observer; }
  /// Called after a pin's function or pad has changed (the QMI's second chip select is a pin's function).
  void set_function_observer(std::function<void()> changed) { function_changed_ = std::move(changed); }
  /// Called after the level of one of these pins has changed: a chip outside. It may drive() and release().
  void watch_levels(std::uint64_t pins, std::function<void()> changed) {
    watched_ = pins;
    watched_changed_ = std::move(changed);
  }
  /// The pin has this function and its pad is not isolated.
  bool has_function(unsigned pin, unsigned function) const;

  // SIO's part.
  void set_sio(std::uint64_t out, std::uint64_t enable);
  /// The value of SIO's GPIO_IN: the pads' input buffers, after IO_BANK0's input override.
  std::uint64_t inputs() const { return inputs_; }

  // IO_BANK0's part: the value of GPIOn_CTRL.
  void set_ctrl(unsigned pin, std::uint32_t ctrl);
  // PADS_BANK0's part: the value of GPIOn.
  void set_pad(unsigned pin, std::uint32_t pad);

  // The board's part.
  void drive(unsigned pin, bool level);
  void release(unsigned pin);

  /// GPIOn_STATUS.
  std::uint32_t status(unsigned pin) const;
  bool level(unsigned pin) const { return (levels_ >> pin & 1U) != 0; }
  /// Whether this chip drives the pin, at whatever level.
  bool is_output(unsigned pin) const { return (outputs_ >> pin & 1U) != 0; }

 private:
  void work_out();
  struct Output {
    bool value, enabled;
  };
  Output output(unsigned pin) const;

  Observer* observer_ = nullptr;
  std::function<void()> function_changed_, watched_changed_;
  std::uint64_t watched_ = 0;
  std::uint64_t sio_out_ = 0, sio_enable_ = 0;
  std::uint64_t driven_ = 0, driven_level_ = 0;
  std::uint64_t levels_ = 0, inputs_ = 0, outputs_ = 0;
  std::array<std::uint32_t, kPins> ctrl_{};
  std::array<std::uint32_t, kPins> pad_{};
};

}  // namespace pico_llama::simulator
