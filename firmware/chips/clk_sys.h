/// The clocks that clk_sys can have: what its PLL makes, and what must work at them.
#pragma once

#include <cstdint>

#include "firmware/chips/rp2350.h"

namespace pico_llama::chips {

/// The system PLL's output is vco_hz / (post_divider1 * post_divider2), from the crystal without a reference
/// divider.
struct PllSettings {
  uint32_t vco_hz = 0;  ///< 0: no setting makes the clock
  uint32_t post_divider1 = 0;
  uint32_t post_divider2 = 0;

  friend constexpr bool operator==(const PllSettings&, const PllSettings&) = default;
};

/// Source: RP2350 datasheet 8.6.3 (PLL): VCO 750 to 1600 MHz, feedback divider 16 to 320, post dividers 1 to
/// 7, the first not below the second.
inline constexpr uint32_t kLowestVcoHz = 750'000'000;
inline constexpr uint32_t kHighestVcoHz = 1'600'000'000;

/// The settings for exactly this clock, with the highest VCO frequency, which has the least jitter, and of
/// those with the larger first divider, which takes less power (8.6.4).
constexpr PllSettings pll_for(uint32_t clk_sys_hz) {
  PllSettings best;
  for (uint32_t first = 7; first >= 1; --first) {
    for (uint32_t second = first; second >= 1; --second) {
      const uint64_t vco = uint64_t{clk_sys_hz} * first * second;
      if (vco < kLowestVcoHz || vco > kHighestVcoHz || vco % Rp2350::kXoscHz != 0) continue;
      const uint64_t feedback = vco / Rp2350::kXoscHz;
      if (feedback < 16 || feedback > 320 || vco <= best.vco_hz) continue;
      best = {static_cast<uint32_t>(vco), first, second};
    }
  }
  return best;
}

enum class ClkSysFault : uint8_t {
  kNone,
  kTooSlowForUsb,  ///< erratum RP2350-E12: USB loses events unless clk_sys is 10 % above 48 MHz
  kTooFast,        ///< nobody has measured a voltage for it with a step to spare (Rp2350::core_millivolts)
  kNotOfPll,
};

inline constexpr uint32_t kLowestClkSysHz = 53'000'000;
inline constexpr uint32_t kHighestClkSysHz = 300'000'000;

/// Why the firmware cannot run at a clock. At all others qmi_timing.h keeps flash and PSRAM in their ratings
/// (asserted in chips_test). firmware/clk_sys.cmake has these rules too.
constexpr ClkSysFault clk_sys_fault(uint32_t clk_sys_hz) {
  if (clk_sys_hz < kLowestClkSysHz) return ClkSysFault::kTooSlowForUsb;
  if (clk_sys_hz > kHighestClkSysHz) return ClkSysFault::kTooFast;
  return pll_for(clk_sys_hz).vco_hz == 0 ? ClkSysFault::kNotOfPll : ClkSysFault::kNone;
}

}  // namespace pico_llama::chips
