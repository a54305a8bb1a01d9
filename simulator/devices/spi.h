#pragma once
#include <deque>

#include "simulator/bus/dreq.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/clocks.h"
#include "simulator/devices/gpio.h"

namespace pico_llama::simulator {

/// SPI0, SPI1: PL022 as the master of a Motorola SPI bus (datasheet section 12.3), bit by bit on its pins.
/// Slave mode, the TI and Microwire formats end the run.
class Spi : public RegisterDevice {
 public:
  static constexpr unsigned kFirstDreq = 24;  ///< TX and RX of SPI0, then of SPI1 (datasheet 12.6.4.1)
  /// `number`: 0 or 1; it decides which pins are its.
  Spi(unsigned number, Gpio& gpio, const Clocks& clocks, Timebase& timebase, EventQueue& events,
      InterruptLines& interrupts);
  void reset() override;

  DreqLine tx_dreq{[this](Cycle) { return requests(true); }};
  DreqLine rx_dreq{[this](Cycle) { return requests(false); }};

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  unsigned requests(bool tx) const;
  bool enabled() const;
  Picoseconds half_period() const;
  void start_next(Picoseconds now);
  /// Edge `edge` of the frame's clock, from 0 on; then what follows the last one.
  void clock_edge(unsigned edge, Picoseconds now);
  void frame_ended(Picoseconds now);
  bool input() const;
  void drive(Picoseconds now);
  std::uint32_t raw() const;
  void update_interrupts();

  unsigned number_;
  Gpio& gpio_;
  const Clocks& clocks_;
  Timebase& timebase_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::deque<std::uint16_t> tx_, rx_;
  bool shifting_ = false, overrun_ = false, timeout_ = false;
  std::uint32_t out_ = 0, in_ = 0;
  unsigned bits_ = 8;
  bool select_ = true, clock_ = false, data_ = false;  ///< levels of CSn, SCK and TX
  EventQueue::Id event_ = 0, timeout_event_ = 0;
};

}  // namespace pico_llama::simulator
