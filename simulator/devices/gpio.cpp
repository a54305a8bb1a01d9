#include "simulator/devices/gpio.h"

namespace pico_llama::simulator {
namespace {
// GPIOn of PADS_BANK0.
constexpr std::uint32_t kPullDown = 1U << 2, kPullUp = 1U << 3, kInputEnable = 1U << 6,
                        kOutputDisable = 1U << 7, kIsolated = 1U << 8;

// OUTOVER, OEOVER, INOVER: normal, inverted, low, high.
bool overridden(unsigned how, bool value) {
  switch (how & 3) {
    case 1:
      return !value;
    case 2:
      return false;
    case 3:
      return true;
    default:
      return value;
  }
}
}  // namespace

Gpio::Output Gpio::output(unsigned pin) const {
  const std::uint32_t ctrl = ctrl_[pin];
  const bool sio = (ctrl & 31) == kFunctionSio;
  const bool value = sio && (sio_out_ >> pin & 1U) != 0;
  const bool enable = sio && (sio_enable_ >> pin & 1U) != 0;
  return {overridden(ctrl >> 12, value), overridden(ctrl >> 14, enable)};
}

void Gpio::work_out() {
  const std::uint64_t before = levels_;
  std::uint64_t levels = 0, inputs = 0, outputs = 0;
  for (unsigned pin = 0; pin < kPins; ++pin) {
    const std::uint32_t pad = pad_[pin];
    const std::uint64_t bit = std::uint64_t{1} << pin;
    const Output out = output(pin);
    // An isolated pad keeps the output state it had when it was isolated: nothing, after reset (section 9.7,
    // erratum E14 leaves GPIO47 so until software clears ISO).
    const bool drives = out.enabled && (pad & (kOutputDisable | kIsolated)) == 0;
    if (drives) outputs |= bit;
    bool level = false;
    if (drives)
      level = out.value;
    else if ((driven_ & bit) != 0)
      level = (driven_level_ & bit) != 0;
    else if ((pad & kPullUp) != 0)
      level = true;
    if (level) levels |= bit;
    const bool seen = (pad & kInputEnable) != 0 && (pad & kIsolated) == 0 && level;
    if (overridden(ctrl_[pin] >> 16, seen)) inputs |= bit;
  }
  levels_ = levels;
  const bool changed = inputs != inputs_ || levels != before;
  inputs_ = inputs;
  outputs_ = outputs;
  if (changed && observer_ != nullptr) observer_->levels_changed(inputs_);
  if (((levels ^ before) & watched_) != 0) watched_changed_();
}

void Gpio::set_sio(std::uint64_t out, std::uint64_t enable) {
  if (out == sio_out_ && enable == sio_enable_) return;
  sio_out_ = out;
  sio_enable_ = enable;
  work_out();
}

bool Gpio::has_function(unsigned pin, unsigned function) const {
  return (ctrl_[pin] & 31) == function && (pad_[pin] & kIsolated) == 0;
}

void Gpio::set_ctrl(unsigned pin, std::uint32_t ctrl) {
  ctrl_[pin] = ctrl;
  work_out();
  if (function_changed_) function_changed_();
}

void Gpio::set_pad(unsigned pin, std::uint32_t pad) {
  pad_[pin] = pad;
  work_out();
  if (function_changed_) function_changed_();
}

void Gpio::drive(unsigned pin, bool level) {
  const std::uint64_t bit = std::uint64_t{1} << pin;
  driven_ |= bit;
  driven_level_ = level ? driven_level_ | bit : driven_level_ & ~bit;
  work_out();
}

void Gpio::release(unsigned pin) {
  driven_ &= ~(std::uint64_t{1} << pin);
  work_out();
}

std::uint32_t Gpio::status(unsigned pin) const {
  const Output out = output(pin);
  const bool irq = overridden(ctrl_[pin] >> 28, (inputs_ >> pin & 1U) != 0);
  return (out.value ? 1U << 9 : 0) | (out.enabled ? 1U << 13 : 0) | (level(pin) ? 1U << 17 : 0) |
         (irq ? 1U << 26 : 0);
}

}  // namespace pico_llama::simulator
