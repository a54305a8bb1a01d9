#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "simulator/bus/dreq.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/signals.h"
#include "simulator/devices/clock_divider.h"
#include "simulator/devices/gpio.h"
#include "simulator/devices/pio_machine.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

class PioBlock;

/// PIO0, PIO1 and PIO2 together (datasheet chapter 11), because IRQ flags and CTRL reach across blocks.
///
/// Time: a state machine is executed only in the cycles in which something can happen: not while it is
/// disabled, in delay cycles, or stalled on a FIFO, flag or pin that has not changed. One event stands for
/// the next such cycle, so blocks that are not used cost nothing. A register access first executes every
/// cycle up to its own; its effect begins in the cycle after.
class Pio : private Gpio::Observer {
 public:
  static constexpr unsigned kBlocks = 3, kMachines = 4;
  static constexpr unsigned kFirstDreq = 0;  ///< 8 a block: TX0 to TX3, RX0 to RX3
  static constexpr unsigned kFirstIrq = 15;  ///< 2 a block

  /// `now`: the cycle of the bus access or event under way.
  Pio(Gpio& gpio, EventQueue& events, InterruptLines& interrupts, std::function<Cycle()> now);
  ~Pio();

  PioBlock& block(unsigned number) { return *blocks_[number]; }
  /// DREQ `dreq`, from kFirstDreq on; levels that rise are reported to the listener.
  DreqSource* dreq(unsigned dreq);
  void attach_listener(DreqListener* listener) { listener_ = listener; }

 private:
  friend class PioBlock;
  class Dreq;
  struct InputChange {
    Cycle at;
    std::uint64_t levels;
  };

  void levels_changed(std::uint64_t inputs) override;
  /// Executes every cycle up to and including `cycle`.
  void run_to(Cycle cycle);
  void execute(Cycle cycle);
  void schedule();
  /// All state machines look again at what they wait for.
  void wake();
  std::uint64_t levels_at(Cycle cycle) const;
  void forget_old_levels();

  Gpio& gpio_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  std::function<Cycle()> now_;
  DreqListener* listener_ = nullptr;
  std::array<std::unique_ptr<PioBlock>, kBlocks> blocks_;
  std::vector<std::unique_ptr<Dreq>> dreqs_;
  Cycle time_ = 0;  ///< every cycle up to this one has been executed
  bool running_ = false;
  std::deque<InputChange> inputs_{{0, 0}};  ///< the last one that the synchronisers have passed, and newer
  EventQueue::Id event_ = 0;
  Cycle event_cycle_ = kNever;
};

/// The registers of one block (section 11.7), its instruction memory and its four state machines.
class PioBlock : public RegisterDevice {
 public:
  PioBlock(Pio& pio, unsigned number);
  void reset() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  friend class Pio;
  using Effects = std::array<PioEffects, Pio::kMachines>;
  struct Machine {
    PioMachine machine;
    ClockDivider divider;
    bool enabled = false;
    bool blocked = false;
    Cycle due = kNever;  ///< the next cycle in which it must be executed
  };

  unsigned reached(PioFlagBlock block) const;
  PioInputs inputs_at(Cycle cycle) const;
  /// Executes the state machines that are due; changes of IRQ flags are added to `set` and `clear`, by block.
  void execute(Cycle cycle, Effects& effects, std::array<std::uint8_t, Pio::kBlocks>& set,
               std::array<std::uint8_t, Pio::kBlocks>& clear);
  void after_step(unsigned number, Cycle cycle, const PioEffects& effects, unsigned tx_before,
                  unsigned rx_before);
  void add_flags(const PioEffects& effects, std::array<std::uint8_t, Pio::kBlocks>& set,
                 std::array<std::uint8_t, Pio::kBlocks>& clear) const;
  /// Applies the pin writes of a cycle, the highest-numbered state machine last (section 11.5.6.1).
  void collate(Cycle cycle, const Effects& effects);
  void drive(Cycle at);
  void force(unsigned number, std::uint16_t instruction);
  void write_ctrl(std::uint32_t value);
  void enable(unsigned mask, bool on);
  void restart_dividers(unsigned mask);
  void configure(unsigned number, unsigned which, std::uint32_t value);
  void wake(unsigned number);
  void compute_due(Machine& machine, Cycle from);
  Cycle due() const;
  void fifo_changed(unsigned number, bool rx, Cycle now);
  std::uint32_t put_get(std::uint32_t offset, const std::uint32_t* written);
  std::uint32_t raw_interrupts() const;
  void update_interrupts();

  Pio& pio_;
  unsigned number_;
  PioMachine::Program program_{};
  std::array<Machine, Pio::kMachines> machines_;
  std::uint8_t flags_ = 0;
  std::uint32_t fdebug_ = 0;
  std::uint32_t pad_out_ = 0, pad_oe_ = 0;
  Cycle collate_again_ = kNever;  ///< OUT_STICKY reasserts what a side-set has overridden
};

}  // namespace pico_llama::simulator
