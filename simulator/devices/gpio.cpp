#include "simulator/devices/gpio.h"

namespace pico_llama::simulator {
namespace {
// GPIOn of PADS_BANK0.
constexpr std::uint32_t kPullUp = 1U << 3, kInputEnable = 1U << 6, kOutputDisable = 1U << 7,
                        kIsolated = 1U << 8;

void set_bit(std::uint64_t& word, unsigned bit, bool value) {
  const std::uint64_t mask = std::uint64_t{1} << bit;
  word = value ? word | mask : word & ~mask;
}
}  // namespace

// `how`: 0 normal, 1 inverted, 2 low, 3 high.
void Gpio::Override::set(unsigned pin, unsigned how) {
  set_bit(inverted, pin, (how & 3) == 1);
  set_bit(forced, pin, (how & 2) != 0);
  set_bit(forced_value, pin, (how & 3) == 3);
}

Gpio::Output Gpio::output() const {
  std::uint64_t value = 0, enabled = 0;
  for (unsigned function = 0; function < kFunctions; ++function) {
    value |= out_[function] & selected_[function];
    enabled |= enable_[function] & selected_[function];
  }
  return {out_override_.apply(value), enable_override_.apply(enabled)};
}

void Gpio::work_out() {
  const std::uint64_t before = levels_;
  const Output out = output();
  // An isolated pad keeps the output state it had when it was isolated: nothing, after reset (section 9.7,
  // erratum E14 leaves GPIO47 so until software clears ISO).
  outputs_ = out.enabled & ~output_disable_ & ~isolated_;
  const std::uint64_t pulled = ((pull_up_ | external_pull_up_) & ~driven_) | (driven_ & driven_level_);
  levels_ = (outputs_ & out.value) | (~outputs_ & pulled);
  const std::uint64_t inputs = input_override_.apply(levels_ & input_enable_ & ~isolated_);
  const bool changed = inputs != inputs_ || levels_ != before;
  inputs_ = inputs;
  if (!changed) return;
  const std::uint64_t changes = levels_ ^ before;
  for (Observer* observer : observers_) observer->levels_changed(inputs_);
  for (const Watcher& watcher : watchers_) {
    if ((changes & watcher.pins) != 0) watcher.changed();
  }
}

void Gpio::set_output(unsigned function, std::uint64_t out, std::uint64_t enable, std::optional<Cycle> at) {
  if (out == out_[function] && enable == enable_[function]) return;
  out_[function] = out;
  enable_[function] = enable;
  const std::optional<Cycle> outer = change_cycle_;
  change_cycle_ = at;
  work_out();
  change_cycle_ = outer;
}

bool Gpio::has_function(unsigned pin, unsigned function) const {
  return function_[pin] == function && (isolated_ >> pin & 1U) == 0;
}

void Gpio::set_ctrl(unsigned pin, std::uint32_t ctrl) {
  function_[pin] = ctrl & 31;
  for (unsigned function = 0; function < kFunctions; ++function)
    set_bit(selected_[function], pin, function == function_[pin]);
  out_override_.set(pin, ctrl >> 12);
  enable_override_.set(pin, ctrl >> 14);
  input_override_.set(pin, ctrl >> 16);
  irq_override_.set(pin, ctrl >> 28);
  work_out();
  if (function_changed_) function_changed_();
}

void Gpio::set_pad(unsigned pin, std::uint32_t pad) {
  set_bit(pull_up_, pin, (pad & kPullUp) != 0);
  set_bit(input_enable_, pin, (pad & kInputEnable) != 0);
  set_bit(output_disable_, pin, (pad & kOutputDisable) != 0);
  set_bit(isolated_, pin, (pad & kIsolated) != 0);
  work_out();
  if (function_changed_) function_changed_();
}

void Gpio::drive(unsigned pin, bool level) {
  set_bit(driven_, pin, true);
  set_bit(driven_level_, pin, level);
  work_out();
}

void Gpio::release(unsigned pin) {
  set_bit(driven_, pin, false);
  work_out();
}

void Gpio::set_external_pull_ups(std::uint64_t pins) {
  external_pull_up_ |= pins;
  work_out();
}

std::uint32_t Gpio::status(unsigned pin) const {
  const Output out = output();
  const auto bit = [pin](std::uint64_t word) { return static_cast<std::uint32_t>(word >> pin & 1U); };
  return bit(out.value) << 9 | bit(out.enabled) << 13 | bit(levels_) << 17 |
         bit(irq_override_.apply(inputs_)) << 26;
}

}  // namespace pico_llama::simulator
