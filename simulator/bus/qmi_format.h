#pragma once
#include <cstdint>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// How the QMI serialises a memory-mapped read or write: Mx_RFMT and Mx_RCMD, or Mx_WFMT and Mx_WCMD, decoded
/// (datasheet section 12.14.6). Lanes are 1, 2 or 4.
struct QmiFormat {
  unsigned prefix_lanes = 1, address_lanes = 1, suffix_lanes = 1, dummy_lanes = 1, data_lanes = 1;
  unsigned prefix_bits = 8, suffix_bits = 0, dummy_bits = 0;
  bool dtr = false;
  std::uint8_t prefix = 0, suffix = 0;

  /// Errors: throws Stop for encodings the datasheet does not define.
  static QmiFormat decode(std::uint32_t fmt, std::uint32_t cmd);

  /// SCK periods before the data, in units of Mx_TIMING.CLKDIV. With DTR, prefix and dummy are still sent at
  /// single rate on an SCK of half the frequency, so each of their bits takes two units.
  unsigned header_periods() const {
    const unsigned single = dtr ? 2 : 1;
    return single * (prefix_bits / prefix_lanes + dummy_bits / dummy_lanes) + 24 / address_lanes +
           suffix_bits / suffix_lanes;
  }
  unsigned data_periods(unsigned bytes) const { return 8 * bytes / data_lanes; }
};

/// Mx_TIMING, decoded.
struct QmiTiming {
  unsigned clkdiv = 4;        ///< clk_sys cycles a SCK period, 1..256
  unsigned rxdelay = 0;       ///< half clk_sys cycles
  unsigned min_deselect = 0;  ///< clk_sys cycles
  unsigned max_select = 0;    ///< clk_sys cycles, 0: no limit
  unsigned select_hold = 0;   ///< clk_sys cycles
  unsigned select_setup = 0;  ///< clk_sys cycles
  unsigned page_break = 0;    ///< bytes, 0: none
  unsigned cooldown = 0;      ///< clk_sys cycles, 0: no chaining

  static QmiTiming decode(std::uint32_t value);
  unsigned half_period() const { return (clkdiv + 1) / 2; }
};

/// The QMI's sample point relative to the data that a chip sends.
enum class Sampling : std::uint8_t {
  kTooEarly,  ///< the data of the clock before is still on the lines
  kGood,
  kTooLate,  ///< the data of the next clock is already there
};

/// Data launched at a falling edge reaches the sampling register a round trip later: SCK through its pad, the
/// chip's clock-to-output, the data pad. Source: RP2350 datasheet 12.14.3.4 (pads: 2.5 + 1.5 ns at most),
/// W25Q128JV tCLQV 6 ns and APS6404L tACLK 5.5 ns at most: 10 ns worst case, of which 7 ns are taken as
/// typical [ASSUMED; stock images, RXDELAY 2 and divider 3, are known to run at 300 MHz, which leaves 8.3].
struct RoundTrip {
  Picoseconds shortest = 5'000;
  Picoseconds longest = 7'000;
};

/// The sample is taken half a period and `rxdelay` half cycles after the edge that launched the data.
Sampling sampling(unsigned clkdiv, unsigned rxdelay, Picoseconds cycle, RoundTrip trip = {});

}  // namespace pico_llama::simulator
