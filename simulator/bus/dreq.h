#pragma once
#include <functional>
#include <utility>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// A FIFO that paces DMA transfers (datasheet section 12.6.4). The hardware counts credits that the
/// peripheral sends; transfers here complete when they are issued, so the FIFO's level is equivalent.
class DreqSource {
 public:
  virtual ~DreqSource() = default;
  /// Transfers the FIFO can take or give now.
  virtual unsigned dreq_level(Cycle now) = 0;
  /// A channel makes one transfer. For requests without a FIFO, such as a PWM slice's.
  virtual void dreq_taken() {}
};

/// Notified when a FIFO's level rises.
class DreqListener {
 public:
  virtual ~DreqListener() = default;
  virtual void dreq_raised(unsigned dreq, Cycle now) = 0;
};

/// One DREQ line of a peripheral: its level from a function, and where its rise is reported.
class DreqLine final : public DreqSource {
 public:
  using Level = std::function<unsigned(Cycle now)>;
  explicit DreqLine(Level level, std::function<void()> taken = {})
      : level_(std::move(level)), taken_(std::move(taken)) {}
  void attach(unsigned number, DreqListener* listener) {
    number_ = number;
    listener_ = listener;
  }
  void raise(Cycle now) {
    if (listener_ != nullptr) listener_->dreq_raised(number_, now);
  }
  unsigned dreq_level(Cycle now) override { return level_(now); }
  void dreq_taken() override {
    if (taken_) taken_();
  }

 private:
  Level level_;
  std::function<void()> taken_;
  unsigned number_ = 0;
  DreqListener* listener_ = nullptr;
};

}  // namespace pico_llama::simulator
