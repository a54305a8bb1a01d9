#pragma once
#include <cstdint>

/// Every cost in cycles that the virtual board charges, in one table. A figure that is not here costs nothing.
/// docs/timing.md says what supports each and what is left out.
namespace pico_llama::simulator::timing {

enum class Basis : std::uint8_t {
  kMeasured,   ///< on silicon, by the named third party
  kDatasheet,  ///< stated by the named document
  kAssumed,    ///< nobody has said so; the reason stands in `source`
};

struct Cost {
  std::uint32_t cycles;
  Basis basis;
  const char* source;
};

// --- cores (simulator/cpu) -------------------------------------------------------------------------------

// --- memories and the external bus (simulator/bus) -------------------------------------------------------

// --- devices (simulator/devices) -------------------------------------------------------------------------

}  // namespace pico_llama::simulator::timing
