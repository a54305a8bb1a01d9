#pragma once
#include <deque>
#include <functional>

#include "simulator/bus/dreq.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// I2C0, I2C1: DW_apb_i2c as the only master of a bus, 7-bit addresses, bit by bit on its pins, which it
/// pulls low or releases (datasheet section 12.2). A slave may stretch the clock. Slave mode, 10-bit
/// addresses, general call and START byte end the run.
class I2c : public RegisterDevice, private Gpio::Observer {
 public:
  static constexpr unsigned kFirstDreq = 44;  ///< TX and RX of I2C0, then of I2C1 (datasheet 12.6.4.1)
  /// `number`: 0 or 1; it decides which pins are its. `now`: the cycle of the access or event under way.
  I2c(unsigned number, Gpio& gpio, EventQueue& events, InterruptLines& interrupts,
      std::function<Cycle()> now);
  void reset() override;

  DreqLine tx_dreq{[this](Cycle) { return requests(true); }};
  DreqLine rx_dreq{[this](Cycle) { return requests(false); }};

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  /// One after the other on the bus. Each step lasts until its event.
  enum class Step : std::uint8_t {
    kIdle,
    kStart,  ///< SDA is low, SCL still high
    kLow,    ///< SCL is low, SDA as it was until the hold time is over
    kData,   ///< SCL is low, SDA is the bit
    kRise,   ///< SCL is released and has not risen yet
    kHigh,
    kHold,  ///< SCL is low: the TX FIFO has no command
    kFree,  ///< after a STOP
  };
  enum class Next : std::uint8_t { kBit, kRestart, kStop };  ///< the purpose of the low and high phase

  void levels_changed(std::uint64_t inputs) override;
  void at(Cycle cycle, void (I2c::*step)());
  void begin();
  void scl_falls();
  void sda_changes();
  void scl_released();
  void scl_rose();
  void high_ends();
  void received();
  void byte_done();
  void next_command();
  bool acknowledge();
  void abort(std::uint32_t source);
  void bus_free();
  void set_lines(bool sda_low, bool scl_low);
  bool line(std::uint64_t pins) const;
  unsigned high_cycles() const;
  unsigned low_cycles() const;
  unsigned requests(bool tx) const;
  bool enabled() const;
  bool active() const { return step_ != Step::kIdle; }
  std::uint32_t raw() const;
  std::uint32_t clear_on_read(std::uint32_t bits);
  void update_interrupts();

  unsigned number_;
  Gpio& gpio_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::function<Cycle()> now_;
  std::uint64_t sda_pins_, scl_pins_;

  std::deque<std::uint32_t> tx_;
  std::deque<std::uint8_t> rx_;
  std::uint32_t latched_ = 0;  ///< interrupts that a read of a CLR register clears
  std::uint32_t abort_source_ = 0;
  Step step_ = Step::kIdle;
  Next next_ = Next::kBit;
  bool sda_low_ = false, scl_low_ = false;
  bool address_ = false;          ///< the byte on the bus is the address
  bool reading_ = false;          ///< direction of the transfer
  std::uint32_t command_ = 0;     ///< IC_DATA_CMD of the byte on the bus
  bool command_pending_ = false;  ///< it has not completed
  std::uint32_t shift_ = 0;
  unsigned bit_ = 0;  ///< 0 to 7 data, 8 acknowledge
  Cycle cycle_ = 0;   ///< of the step that begins
  EventQueue::Id event_ = 0;
};

}  // namespace pico_llama::simulator
