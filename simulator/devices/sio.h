#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>

#include "simulator/clock/event_queue.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/interpolator.h"
#include "simulator/devices/peripheral.h"
#include "simulator/devices/ticks.h"

namespace pico_llama::simulator {

/// SIO: the single-cycle I/O of both cores (datasheet section 3.1): CPUID, pins, mailbox FIFOs, spinlocks,
/// doorbells, interpolators, the RISC-V platform timer. The access's master identifies the core. The TMDS
/// encoder is not modelled.
class Sio : public Peripheral {
 public:
  static constexpr unsigned kFifoDepth = 4;

  Sio(Gpio& gpio, Ticks& ticks, Timebase& timebase, EventQueue& events, InterruptLines& interrupts);
  std::string_view name() const override { return "SIO"; }
  void reset() override;
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;
  bool has_atomic_aliases() const override { return false; }

  /// While core 1 waits for its entry point, the boot ROM answers the mailbox. Called after core 0 has
  /// pushed.
  void set_core1_mailbox(std::function<void()> pushed) { core1_mailbox_ = std::move(pushed); }
  bool pop(unsigned core, std::uint32_t& value);
  void push(unsigned core, std::uint32_t value);
  void drain(unsigned core);

  // The GPIO coprocessor (CP0) sees the same registers.
  std::uint64_t gpio_out() const { return out_; }
  std::uint64_t gpio_oe() const { return oe_; }
  std::uint64_t gpio_in() const;
  void set_gpio(std::uint64_t out, std::uint64_t oe);
  /// Level of the QSPI chip select pin as a GPIO: the BOOTSEL button pulls it low.
  void set_qspi_csn(bool level) { qspi_csn_ = level; }

 private:
  struct Core {
    Interpolator interp0{true}, interp1{false};
    std::deque<std::uint32_t> inbox;
    bool read_on_empty = false;   // ROE
    bool write_on_full = false;   // WOF
    std::uint32_t doorbells = 0;  // rung at this core
    std::uint64_t mtimecmp = ~std::uint64_t{0};
    EventQueue::Id timer_event = 0;
  };
  std::uint32_t gpio_word(bool high, std::uint64_t pins) const;
  void write_gpio(std::uint32_t offset, std::uint32_t value);
  Reply read_mtimer(std::uint32_t offset, unsigned core, const Access& access);
  void write_mtimer(std::uint32_t offset, std::uint32_t value, unsigned core, const Access& access);
  std::uint64_t mtime(Picoseconds time) const;
  void update_mtimer(unsigned core, Picoseconds time);
  void update_interrupts();

  Gpio& gpio_;
  Ticks& ticks_;
  Timebase& timebase_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::function<void()> core1_mailbox_;
  std::uint64_t out_ = 0, oe_ = 0;
  bool qspi_csn_ = true;
  std::uint32_t spinlocks_ = 0;
  std::array<Core, 2> cores_;
  std::uint32_t mtime_ctrl_ = 0xd;
  std::uint64_t mtime_base_ = 0;  // MTIME minus ticks
};

}  // namespace pico_llama::simulator
