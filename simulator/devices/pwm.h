#pragma once
#include <array>
#include <deque>
#include <functional>

#include "simulator/bus/dreq.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/clock_divider.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// PWM: 12 slices (datasheet section 12.5). A slice that runs has one event, for the next change of an output
/// or wrap of its counter.
class Pwm : public RegisterDevice, private Gpio::Observer {
 public:
  static constexpr unsigned kSlices = 12, kFirstDreq = 32, kFirstIrq = 8;

  /// `now`: the cycle of the bus access or event under way.
  Pwm(Gpio& gpio, EventQueue& events, InterruptLines& interrupts, std::function<Cycle()> now);
  void reset() override;
  /// A slice's request at each wrap. Not taken before the next wrap, it is lost [ASSUMED].
  DreqLine& dreq(unsigned slice) { return dreqs_[slice]; }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  struct Slice {
    ClockDivider divider;
    std::uint32_t count = 0;
    bool down = false;                   ///< phase-correct: counting towards 0
    std::uint32_t top = 0xffff, cc = 0;  ///< the latched copies
    bool b_high = false;                 ///< the B pin, where it is an input
    Cycle held_since = 0;                ///< DIVMODE level: the divider stands still
    std::uint32_t edges = 0;             ///< DIVMODE rise, fall: in 1/256 of an edge
    EventQueue::Id event = 0;
  };
  void levels_changed(std::uint64_t inputs) override;
  std::uint32_t csr(unsigned slice) const { return stored(kStride * slice); }
  unsigned mode(unsigned slice) const { return csr(slice) >> 4 & 3; }
  bool runs(unsigned slice) const;
  /// Counts what the divider has enabled up to and including `cycle`.
  void run_to(unsigned slice, Cycle cycle);
  void count(unsigned slice, std::uint64_t ticks, Cycle cycle);
  std::uint64_t ticks_to_change(unsigned slice) const;
  void wrapped(unsigned slice, Cycle cycle);
  void latch(unsigned slice);
  void schedule(unsigned slice);
  void set_divider(unsigned slice);
  void switch_on(unsigned slice, bool on, Cycle cycle);
  bool input(unsigned slice) const;
  void drive(Cycle at);
  void update_interrupts();

  static constexpr std::uint32_t kStride = 0x14;
  Gpio& gpio_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::function<Cycle()> now_;
  std::array<Slice, kSlices> slices_;
  std::array<bool, kSlices> requests_{};
  std::deque<DreqLine> dreqs_;
  std::uint32_t raw_ = 0;  ///< INTR
};

}  // namespace pico_llama::simulator
