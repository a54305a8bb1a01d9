#pragma once
#include <array>
#include <deque>
#include <optional>

#include "simulator/bus/dreq.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/clocks.h"

namespace pico_llama::simulator {

/// ADC and temperature sensor (datasheet section 12.4). It converts what a test or a script puts on its
/// inputs, without noise or errors. Starting a conversion of an input that has no voltage ends the run.
class Adc : public RegisterDevice {
 public:
  static constexpr unsigned kIrq = 35, kDreq = 48;

  /// `qfn60`: RP2350A, four inputs from GPIO26 on; otherwise RP2350B, eight from GPIO40 on. The temperature
  /// sensor follows the last input.
  Adc(bool qfn60, const Clocks& clocks, Timebase& timebase, EventQueue& events, InterruptLines& interrupts);
  void reset() override;

  /// The voltage at an input, in microvolts; 3,300,000 is full scale.
  void set_microvolts(unsigned channel, std::uint32_t microvolts) { inputs_.at(channel) = microvolts; }
  /// Of the chip, for the temperature sensor, in thousandths of a degree Celsius.
  void set_temperature(std::int32_t millidegrees) { temperature_ = millidegrees; }
  unsigned inputs() const { return channels_ - 1; }

  DreqLine dreq{[this](Cycle) { return requests(); }};

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  unsigned requests() const;
  bool at_threshold() const;
  void start(Picoseconds now);
  void finish(Picoseconds now);
  void wait_for_pace(Picoseconds now);
  std::uint32_t sample(unsigned channel) const;
  Picoseconds adc_cycles(std::uint64_t in_256ths) const;
  void update_interrupts();

  unsigned channels_;
  const Clocks& clocks_;
  Timebase& timebase_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::array<std::optional<std::uint32_t>, 8> inputs_{};
  std::int32_t temperature_ = 27'000;
  bool converting_ = false;
  std::uint32_t sampled_ = 0, result_ = 0;
  std::deque<std::uint32_t> fifo_;
  bool over_ = false, under_ = false;
  Picoseconds pace_origin_ = 0;  ///< when the pacing timer was started
  EventQueue::Id event_ = 0;
};

}  // namespace pico_llama::simulator
