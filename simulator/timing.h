#pragma once
#include <cstdint>

/// Every cost in cycles that the virtual board charges, in one table. A figure that is not here costs
/// nothing. docs/timing.md says what supports each and what is left out.
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

/// SRAM itself has no wait states.
inline constexpr Cost kSramBankConflict{1, Basis::kDatasheet, "RP2350 datasheet 2.1.1, 4.2: one port a bank"};
inline constexpr Cost kApbRead{2, Basis::kDatasheet,
                               "RP2350 datasheet 2.1.4: at least 3 cycles, 2 beyond zero-wait"};
inline constexpr Cost kApbWrite{3, Basis::kDatasheet,
                                "RP2350 datasheet 2.1.4: at least 4 cycles, 3 beyond zero-wait"};
inline constexpr Cost kAhbPeripheral{0, Basis::kDatasheet,
                                     "RP2350 datasheet 2.1.4: the AHB5 fabric has no wait states"};
inline constexpr Cost kQmiReadReturn{
    1, Basis::kMeasured, "X65 MEMTEST fit: a chained line costs 16 div + 2; with RXDELAY / 2 this is the 2"};
inline constexpr Cost kQmiWriteReturn{0, Basis::kMeasured,
                                      "X65 MEMTEST: an uncached store costs 8 div and no more"};
inline constexpr Cost kQmiSelect{
    3, Basis::kAssumed,
    "from an access that does not chain to the first change of a chip select: sequencing"};
inline constexpr Cost kQmiMinimumHold{1, Basis::kDatasheet,
                                      "RP2350 datasheet 12.14.6, Mx_TIMING.SELECT_HOLD"};
inline constexpr Cost kXipStreamResume{9, Basis::kDatasheet, "RP2350 datasheet 4.4.3: after the last miss"};
inline constexpr Cost kDmaStart{3, Basis::kAssumed,
                                "from the trigger to the first read: channel, arbiter, address FIFO"};
inline constexpr Cost kXipCacheHit{0, Basis::kDatasheet, "RP2350 datasheet 4.4.1: 1 cycle hit"};

// --- devices (simulator/devices) -------------------------------------------------------------------------

/// From power-up of a PLL to LOCK, in periods of its divided reference (not of clk_sys).
inline constexpr Cost kPllLockReferenceCycles{600, Basis::kAssumed,
                                              "50 us at 12 MHz; no document gives a figure"};

}  // namespace pico_llama::simulator::timing
