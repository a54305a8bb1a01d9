#pragma once
#include <cstdint>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// What a core did since start(), and where its cycles went. Cycles not named by a cause are issue cycles.
struct CoreStats {
  std::uint64_t instructions = 0;
  std::uint64_t cycles = 0;         ///< sleep included
  std::uint64_t sleep_cycles = 0;   ///< in WFE and WFI
  std::uint64_t result_stalls = 0;  ///< waiting for a load's or a two-stage operation's result
  std::uint64_t fpu_stalls = 0;     ///< FPU blocked by a multiply-accumulate, division or root
  std::uint64_t branch_cycles = 0;  ///< refill after taken branches
  std::uint64_t data_stalls = 0;    ///< loads and stores: bank conflicts, peripherals, XIP misses
  std::uint64_t fetch_stalls = 0;   ///< instruction fetches: bank conflicts, XIP misses
  std::uint64_t exceptions = 0;     ///< entries, tail-chained ones included
  std::uint64_t exception_cycles = 0;
  std::uint64_t paired = 0;  ///< instructions issued with their predecessor
};

struct TraceEntry {
  std::uint32_t pc = 0;
  std::uint32_t opcode = 0;  ///< as Insn::opcode
  Cycle cycle = 0;
};

/// Registers beyond r0..r15 and s0..s31.
enum class SpecialReg : std::uint8_t {
  kXpsr,
  kMsp,
  kPsp,
  kMsplim,
  kPsplim,
  kPrimask,
  kFaultmask,
  kBasepri,
  kControl,
  kFpscr,
  kVtor,
};

}  // namespace pico_llama::simulator
