#pragma once
#include <deque>
#include <functional>

#include "simulator/bus/dreq.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/clocks.h"

namespace pico_llama::simulator {

/// UART0, UART1: PL011 with 32-entry FIFOs (datasheet section 12.1). Characters take the time of their bits.
/// Hardware flow control, IrDA and loopback are not modelled.
class Uart : public RegisterDevice {
 public:
  static constexpr unsigned kFirstDreq = 28;  ///< TX and RX of UART0, then of UART1 (datasheet 12.6.4.1)

  using Sink = std::function<void(std::uint8_t)>;

  Uart(std::string name, unsigned irq, const Clocks& clocks, Timebase& timebase, EventQueue& events,
       InterruptLines& interrupts);
  void reset() override;

  void set_sink(Sink sink) { sink_ = std::move(sink); }
  /// A byte begins to arrive on RX at `now`, after those that are still arriving.
  void receive(std::uint8_t byte, Picoseconds now);
  /// DREQs: room in the transmit FIFO, characters in the receive FIFO (section 12.1.5).
  DreqLine tx_dreq{[this](Cycle) { return transmit_requests(); }};
  DreqLine rx_dreq{[this](Cycle) { return receive_requests(); }};

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  std::size_t depth() const;
  unsigned transmit_requests() const;
  unsigned receive_requests() const;
  Picoseconds character_time() const;
  void start_next(Picoseconds now);
  void arrive(std::uint8_t byte, Picoseconds now);
  void update_interrupts();

  unsigned irq_;
  const Clocks& clocks_;
  Timebase& timebase_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  Sink sink_;
  std::deque<std::uint8_t> tx_, rx_;
  bool shifting_ = false;
  bool overrun_ = false;
  std::uint32_t raw_ = 0;  // UARTRIS
  EventQueue::Id shift_event_ = 0, idle_event_ = 0;
  Picoseconds rx_line_free_ = 0;
};

}  // namespace pico_llama::simulator
