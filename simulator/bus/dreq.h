#pragma once
#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// A FIFO that paces DMA transfers (datasheet section 12.6.4). The hardware counts credits that the
/// peripheral sends; as transfers here complete in the same step in which they are issued, the level says the
/// same.
class DreqSource {
 public:
  virtual ~DreqSource() = default;
  /// Transfers the FIFO can take or give now.
  virtual unsigned dreq_level(Cycle now) = 0;
};

/// Told when a FIFO's level rises.
class DreqListener {
 public:
  virtual ~DreqListener() = default;
  virtual void dreq_raised(unsigned dreq, Cycle now) = 0;
};

}  // namespace pico_llama::simulator
