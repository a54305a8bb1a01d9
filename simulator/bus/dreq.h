#pragma once
#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// A FIFO that paces DMA transfers (datasheet section 12.6.4). The hardware counts credits that the
/// peripheral sends; transfers here complete when they are issued, so the FIFO's level is equivalent.
class DreqSource {
 public:
  virtual ~DreqSource() = default;
  /// Transfers the FIFO can take or give now.
  virtual unsigned dreq_level(Cycle now) = 0;
};

/// Notified when a FIFO's level rises.
class DreqListener {
 public:
  virtual ~DreqListener() = default;
  virtual void dreq_raised(unsigned dreq, Cycle now) = 0;
};

}  // namespace pico_llama::simulator
