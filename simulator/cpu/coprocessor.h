#pragma once
#include <cstdint>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// A coprocessor on a core's coprocessor port (datasheet section 3.6), reached by MCR, MRC, MCRR, MRRC and
/// CDP and their "2" forms.
class Coprocessor {
 public:
  virtual ~Coprocessor() = default;

  /// The fields of the instruction other than its core registers.
  struct Op {
    unsigned opc1 = 0, opc2 = 0;
    unsigned crn = 0, crm = 0, crd = 0;
    bool second_form = false;  ///< MCR2, MRC2, MCRR2, MRRC2, CDP2
    Cycle now = 0;
  };

  /// Each returns false for an operation that does not exist: a UsageFault (NOCP).
  virtual bool mcr(const Op& op, std::uint32_t value) = 0;
  virtual bool mrc(const Op& op, std::uint32_t& value) = 0;
  virtual bool mcrr(const Op& op, std::uint32_t low, std::uint32_t high) = 0;
  virtual bool mrrc(const Op& op, std::uint32_t& low, std::uint32_t& high) = 0;
  virtual bool cdp(const Op& op) = 0;
};

}  // namespace pico_llama::simulator
