#pragma once
#include "simulator/bus/access.h"

namespace pico_llama::simulator {

/// A device that RESETS, the PSM or a power-on can reset.
class Peripheral : public Device {
 public:
  virtual void reset() = 0;
};

}  // namespace pico_llama::simulator
