#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// The signals from the rest of the chip to a core. Implemented by Core; the devices hold these, never a
/// Core.
class CoreSignals {
 public:
  virtual ~CoreSignals() = default;
  /// Levels of the 52 interrupt lines as this core sees them, bit n = IRQ n. Called whenever one changes.
  virtual void set_irq_lines(std::uint64_t levels) = 0;
  /// An event (SEV of the other core, FIFO or doorbell traffic): wakes WFE or is remembered for the next one.
  virtual void send_event() = 0;
};

/// The interrupt lines of the chip. Most are seen by both cores; SIO's are each core's own.
class InterruptLines {
 public:
  void attach(unsigned core, CoreSignals* signals) { cores_[core] = signals; }

  /// A line that both cores see.
  void set(unsigned irq, bool level) {
    set_for_core(0, irq, level);
    set_for_core(1, irq, level);
  }
  void set_for_core(unsigned core, unsigned irq, bool level) {
    const std::uint64_t bit = std::uint64_t{1} << irq;
    const std::uint64_t levels = level ? levels_[core] | bit : levels_[core] & ~bit;
    if (levels == levels_[core]) return;
    levels_[core] = levels;
    if (cores_[core] != nullptr) cores_[core]->set_irq_lines(levels);
  }
  std::uint64_t levels(unsigned core) const { return levels_[core]; }

 private:
  CoreSignals* cores_[2] = {};
  std::uint64_t levels_[2] = {};
};

}  // namespace pico_llama::simulator
