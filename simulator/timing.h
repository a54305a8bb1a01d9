#pragma once
#include <cstdint>

/// Every cost in cycles that the virtual board charges, in one table. An action without a
/// row here is free. docs/timing.md has the evidence for each and the list of omissions.
namespace pico_llama::simulator::timing {

enum class Basis : std::uint8_t {
  kMeasured,   ///< on silicon, by the named third party
  kDatasheet,  ///< stated by the named document
  kAssumed,    ///< not published; `source` gives the reason
};

struct Cost {
  std::uint32_t cycles;
  Basis basis;
  const char* source;
};

// --- cores (simulator/cpu) -------------------------------------------------------------------------------

/// Issue cycles; an instruction not named here takes one. Its result can be used by the next instruction,
/// except where "latency" is 2: then by the one after it, and the next waits a cycle.
inline constexpr Cost kIssue{1, Basis::kMeasured, "jnk0le/random cortex_m33.md, overall (RP2350, r1p0)"};
inline constexpr Cost kLateResultStall{
    1, Basis::kMeasured, "jnk0le/random cortex_m33.md: latency 2 of shifted operands, MAC, *XTA*, loads"};
inline constexpr Cost kMultiplySetsFlags{2, Basis::kMeasured, "jnk0le/random cortex_m33.md: muls.n"};
inline constexpr Cost kShiftedConstantSetsFlags{
    2, Basis::kMeasured, "jnk0le/random cortex_m33.md: operand2 shifted constant that sets flags"};
inline constexpr Cost kBlockTransferPerRegister{
    1, Basis::kMeasured, "jnk0le/random cortex_m33.md: LDM, STM, LDRD, STRD of x registers take x cycles"};
inline constexpr Cost kBranchRefill{1, Basis::kMeasured,
                                    "jnk0le/random cortex_m33.md: taken 2, or 1 where it pairs"};
/// How many cycles fetches from SRAM run ahead of the core, at most. A bank conflict within the lead is
/// hidden.
inline constexpr Cost kPrefetchLead{
    3, Basis::kAssumed, "three words, as Cortex-M3's prefetch unit; the depth of M33's is not published"};
inline constexpr Cost kPairAfterFlagsLost{
    1, Basis::kMeasured, "jnk0le/random cortex_m33.md: taken after a flag-setting instruction still costs 2"};
inline constexpr Cost kPairedIssue{0, Basis::kMeasured,
                                   "jnk0le/random cortex_m33.md: NOP, IT, B after a 16-bit instruction"};
inline constexpr Cost kLoadToPc{2, Basis::kMeasured,
                                "jnk0le/random cortex_m33.md: POP {.., pc} loses 2 cycles to POP {lr}, BX; "
                                "LDR pc, TBB as well [ASSUMED]"};
inline constexpr Cost kLoadToBranchStall{
    2, Basis::kMeasured, "jnk0le/random cortex_m33.md: a load into BX needs two free cycles between"};
inline constexpr Cost kUnalignedExtra{1, Basis::kAssumed, "one more bus transfer for a split access"};
inline constexpr Cost kDivideMin{2, Basis::kAssumed, "Cortex-M33 TRM r1p0 states 2 to 11 for UDIV, SDIV"};
inline constexpr Cost kDivideMax{11, Basis::kAssumed, "as kDivideMin; grows with the quotient's bits"};
inline constexpr Cost kFpuMacBlock{
    2, Basis::kMeasured, "jnk0le/random cortex_m33.md, fpu: no FP instruction in the next 2 cycles"};
inline constexpr Cost kFpuDivideBlock{13, Basis::kAssumed,
                                      "VDIV, VSQRT take about 14, as on Cortex-M4 (TRM, FPU timings)"};
inline constexpr Cost kExceptionEntry{12, Basis::kAssumed,
                                      "Cortex-M3/M4/M33 product pages: 12 cycles to the first instruction"};
inline constexpr Cost kExceptionReturn{10, Basis::kAssumed, "unstacking of 8 words and refill, as Cortex-M4"};
inline constexpr Cost kTailChain{6, Basis::kAssumed, "as Cortex-M3/M4: 6 cycles between two handlers"};
inline constexpr Cost kCalleeFrame{10, Basis::kAssumed,
                                   "10 more words where a Secure program's registers are hidden"};
inline constexpr Cost kFpFrame{17, Basis::kAssumed, "17 more words where the FP context is stacked at once"};
inline constexpr Cost kBarrier{3, Basis::kAssumed, "ISB refills the pipeline; DSB, DMB are counted as 1"};
inline constexpr Cost kWakeUp{5, Basis::kDatasheet,
                              "RP2350 datasheet, EPPB SLEEPCTRL: re-enabling the clocks"};
inline constexpr Cost kRcpDelay{64, Basis::kAssumed,
                                "RP2350 datasheet 3.6.3.6: 0..127 random cycles; their mean, so runs repeat"};

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
    1, Basis::kMeasured,
    "X65 MEMTEST fit: an access that does not chain, before chip select changes; 0 fits nearly as well"};
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

// --- boot ROM (simulator/bootrom): costs other than its bus traffic -------------------------------------

/// Entering and leaving a ROM function, looking up its address.
inline constexpr Cost kRomCall{40, Basis::kAssumed, "a call, a table walk; no measurement is published"};
/// Granularity of core 1's wait for its entry point.
inline constexpr Cost kRomCore1Poll{1000, Basis::kAssumed, "core 1 sleeps there; no program can see it"};

}  // namespace pico_llama::simulator::timing
