/// The QMI's timing words, computed from clk_sys and the chips' limits. Pure arithmetic, at compile time
/// where the clock is known then, tested on the host for every clock we build for.
#pragma once

#include <cstdint>

#include "firmware/chips/aps6404l.h"
#include "firmware/chips/rp2350.h"
#include "firmware/chips/w25q128.h"

namespace pico_llama::chips {

/// The fields of QMI Mx_TIMING. Source: RP2350 datasheet 12.14.6, registers M0_TIMING and M1_TIMING.
struct QmiTiming {
  uint32_t cooldown = 1;      ///< units of 64 clk_sys cycles: time the select stays low for a follow-up read
  uint32_t page_break = 0;    ///< 0 none, 1 256 bytes, 2 1024, 3 4096
  uint32_t select_hold = 0;   ///< clk_sys cycles beyond the minimum of one
  uint32_t max_select = 0;    ///< units of 64 clk_sys cycles; 0: no limit
  uint32_t min_deselect = 0;  ///< clk_sys cycles beyond the minimum of half an SCK
  uint32_t rxdelay = 0;       ///< half clk_sys cycles
  uint32_t divider = 4;       ///< clk_sys cycles of one SCK
  uint32_t select_setup = 0;  ///< 1: one more cycle from the select to the first rising edge

  friend constexpr bool operator==(const QmiTiming&, const QmiTiming&) = default;

  /// The register's value.
  constexpr uint32_t word() const {
    return cooldown << 30 | page_break << 28 | select_setup << 25 | select_hold << 23 | max_select << 17 |
           min_deselect << 12 | rxdelay << 8 | divider;
  }

  static constexpr QmiTiming from_word(uint32_t word) {
    return {.cooldown = word >> 30 & 3,
            .page_break = word >> 28 & 3,
            .select_hold = word >> 23 & 3,
            .max_select = word >> 17 & 63,
            .min_deselect = word >> 12 & 31,
            .rxdelay = word >> 8 & 7,
            .divider = word & 255,
            .select_setup = word >> 25 & 1};
  }
};

constexpr uint32_t ceil_divide(uint64_t numerator, uint64_t denominator) {
  return static_cast<uint32_t>((numerator + denominator - 1) / denominator);
}

/// Least number of clk_sys cycles that last `ns` nanoseconds or more.
constexpr uint32_t cycles_of_ns(uint32_t ns, uint32_t clk_sys_hz) {
  return ceil_divide(uint64_t{ns} * clk_sys_hz, 1'000'000'000);
}

/// The smallest divider that keeps SCK at or below `max_sck_hz`.
constexpr uint32_t divider_for(uint32_t clk_sys_hz, uint32_t max_sck_hz) {
  return ceil_divide(clk_sys_hz, max_sck_hz);
}

constexpr uint32_t sck_hz(uint32_t clk_sys_hz, uint32_t divider) { return clk_sys_hz / divider; }

/// Maximum delay from clk_sys to a QSPI pin plus from a pin to the sampling register, at 3.3 V. Source:
/// RP2350 datasheet 12.14.3.4, table 1292: 2.5 + 1.5 ns.
inline constexpr double kPadsLongestNs = 4.0;
/// Minimum of the same delay. Not documented; [ASSUMED] to be more than half of the maximum. bring_up_flash()
/// verifies the result: it compares data read with the new timing and with the old.
inline constexpr double kPadsShortestNs = 2.5;
/// Data hold time after the next falling edge: tCLQX, tKOH of either chip.
inline constexpr double kDataHoldNs = 1.5;

/// Time from the falling edge at which the chip outputs its data to the QMI's sample point: half an SCK
/// period (for odd dividers too: the QMI has half-cycle resolution) plus RXDELAY half cycles. Source: RP2350
/// datasheet 12.14.3, 12.14.6 (M0_TIMING.RXDELAY)
constexpr double sample_ns(uint32_t clk_sys_hz, uint32_t divider, uint32_t rxdelay) {
  return (divider + rxdelay) * (1e9 / clk_sys_hz) / 2;
}
/// Data is valid from the falling edge + clock_to_data + pad delay until the next falling
/// edge + hold + pad delay.
constexpr double valid_from_ns(uint32_t clock_to_data_ns) { return clock_to_data_ns + kPadsLongestNs; }
constexpr double valid_until_ns(uint32_t clk_sys_hz, uint32_t divider) {
  return divider * (1e9 / clk_sys_hz) + kDataHoldNs + kPadsShortestNs;
}

/// The RXDELAY whose sample point is nearest to the middle of the data-valid window. Sampling too early
/// fails; too late costs a cycle and some margin.
constexpr uint32_t rxdelay_for(uint32_t clk_sys_hz, uint32_t divider, uint32_t clock_to_data_ns) {
  const double middle_ns = (valid_from_ns(clock_to_data_ns) + valid_until_ns(clk_sys_hz, divider)) / 2;
  const double half_cycles = (middle_ns - sample_ns(clk_sys_hz, divider, 0)) / (0.5e9 / clk_sys_hz);
  if (half_cycles <= 0) return 0;
  const auto nearest = static_cast<uint32_t>(half_cycles + 0.5);
  return nearest < 7 ? nearest : 7;
}

/// Whether the best RXDELAY samples inside the data-valid window. At divider 1 the window can be shorter than
/// the half cycle between two sample points and contain neither.
constexpr bool can_sample(uint32_t clk_sys_hz, uint32_t divider, uint32_t clock_to_data_ns) {
  const double sample = sample_ns(clk_sys_hz, divider, rxdelay_for(clk_sys_hz, divider, clock_to_data_ns));
  return sample >= valid_from_ns(clock_to_data_ns) && sample < valid_until_ns(clk_sys_hz, divider);
}

/// The smallest divider, `min_divider` or more, that keeps SCK at or below `max_sck_hz` and has a sample
/// point in the data-valid window.
constexpr uint32_t read_divider_for(uint32_t clk_sys_hz, uint32_t max_sck_hz, uint32_t clock_to_data_ns,
                                    uint32_t min_divider = 1) {
  uint32_t divider = divider_for(clk_sys_hz, max_sck_hz);
  if (divider < min_divider) divider = min_divider;
  while (!can_sample(clk_sys_hz, divider, clock_to_data_ns)) ++divider;
  return divider;
}

/// Extra deselected cycles for the chip's minimum; the QMI's own minimum is half an SCK, rounded up.
constexpr uint32_t min_deselect_for(uint32_t clk_sys_hz, uint32_t divider, uint32_t min_deselect_ns) {
  const uint32_t needed = cycles_of_ns(min_deselect_ns, clk_sys_hz);
  const uint32_t given = (divider + 1) / 2;
  return needed > given ? needed - given : 0;
}

/// Extra cycles of select after the last falling edge of SCK, counted from the rising edge before it.
constexpr uint32_t select_hold_for(uint32_t clk_sys_hz, uint32_t divider, uint32_t hold_ns) {
  const uint32_t needed = cycles_of_ns(hold_ns, clk_sys_hz);
  const uint32_t given = divider / 2 + 1;
  const uint32_t extra = needed > given ? needed - given : 0;
  return extra < 3 ? extra : 3;
}

/// 1 if the first rising edge needs one more cycle after the select than the minimum of half an SCK.
constexpr uint32_t select_setup_for(uint32_t clk_sys_hz, uint32_t divider, double setup_ns) {
  return divider * (1e9 / clk_sys_hz) / 2 < setup_ns ? 1 : 0;
}

/// Clocks of the longest PSRAM access: 2 command, 6 address, 6 wait, 16 data (one cache line).
inline constexpr uint32_t kPsramLongestClocks = 2 + 6 + Aps6404l::kQuadReadWaitClocks + 16;

/// PSRAM timing that meets every limit of the APS6404L at this clock.
constexpr QmiTiming psram_timing(uint32_t clk_sys_hz) {
  QmiTiming timing;
  timing.divider = read_divider_for(clk_sys_hz, Aps6404l::kLinearBurstHz, Aps6404l::kClockToDataNs);
  timing.page_break = 2;  // its page is 1024 bytes
  timing.select_hold = select_hold_for(clk_sys_hz, timing.divider, Aps6404l::kSelectHoldNs);
  timing.min_deselect = min_deselect_for(clk_sys_hz, timing.divider, Aps6404l::kMinDeselectNs);
  timing.rxdelay = rxdelay_for(clk_sys_hz, timing.divider, Aps6404l::kClockToDataNs);
  // The limit takes effect when the access in progress ends and, in the worst case, after a
  // whole cooldown: reserve both.
  const uint32_t limit = static_cast<uint32_t>(uint64_t{Aps6404l::kMaxSelectNs} * clk_sys_hz / 1'000'000'000);
  const uint32_t reserve =
      kPsramLongestClocks * timing.divider + timing.select_hold + 8 + 64 * timing.cooldown;
  const uint32_t units = (limit - reserve) / 64;
  timing.max_select = units < 63 ? units : 63;
  return timing;
}

/// Flash timing. Reads of any length are allowed, so neither page break nor a maximum select time.
/// `min_divider`: a lower bound for a flash that misread at a faster one.
constexpr QmiTiming flash_timing(uint32_t clk_sys_hz, uint32_t min_divider = 1) {
  QmiTiming timing;
  timing.divider = read_divider_for(clk_sys_hz, W25q128::kMaxHz, W25q128::kClockToDataNs, min_divider);
  timing.min_deselect = min_deselect_for(clk_sys_hz, timing.divider, W25q128::kMinDeselectNs);
  timing.rxdelay = rxdelay_for(clk_sys_hz, timing.divider, W25q128::kClockToDataNs);
  timing.select_setup = select_setup_for(clk_sys_hz, timing.divider, W25q128::kSelectSetupNs);
  return timing;
}

/// Flash timing during the change of clk_sys from any slower clock to this one, based on the current timing:
/// within limits at every clock in between. RXDELAY up to the divider samples before the next falling edge at
/// any slower clock; the divider grows until the sample is also late enough at the fastest, even for a chip
/// that takes twice its rated time: bring_up_flash() finds such a chip out, and its code must be read until
/// then.
constexpr QmiTiming flash_timing_on_the_way(QmiTiming timing, uint32_t clk_sys_hz) {
  const uint32_t smallest = divider_for(clk_sys_hz, W25q128::kMaxHz);
  if (timing.divider < smallest) timing.divider = smallest;
  while (true) {
    if (timing.rxdelay > timing.divider) timing.rxdelay = timing.divider;
    const double late_enough = valid_from_ns(2 * W25q128::kClockToDataNs);
    while (timing.rxdelay < 7 && timing.rxdelay < timing.divider &&
           sample_ns(clk_sys_hz, timing.divider, timing.rxdelay) < late_enough)
      ++timing.rxdelay;
    if (sample_ns(clk_sys_hz, timing.divider, timing.rxdelay) >= late_enough) break;
    ++timing.divider;
  }
  return timing;
}

/// Whether a timing meets every limit of the PSRAM at a clock; for words that were not computed here.
constexpr bool within_psram_limits(const QmiTiming& timing, uint32_t clk_sys_hz) {
  const uint32_t longest = timing.max_select * 64 + kPsramLongestClocks * timing.divider + timing.select_hold;
  return sck_hz(clk_sys_hz, timing.divider) <= Aps6404l::kLinearBurstHz && timing.page_break == 2 &&
         timing.max_select != 0 && longest <= uint64_t{Aps6404l::kMaxSelectNs} * clk_sys_hz / 1'000'000'000 &&
         timing.min_deselect + (timing.divider + 1) / 2 >= cycles_of_ns(Aps6404l::kMinDeselectNs, clk_sys_hz);
}

/// The bus's peak rate: four bits per SCK, without commands, addresses and selects.
constexpr uint32_t peak_bytes_per_second(uint32_t clk_sys_hz, uint32_t divider) {
  return sck_hz(clk_sys_hz, divider) / 2;
}

// Dividers within the chips' ratings at each clock, PSRAM / flash.
static_assert(psram_timing(133'000'000).divider == 2 && flash_timing(133'000'000).divider == 1);
static_assert(psram_timing(150'000'000).divider == 2 && flash_timing(150'000'000).divider == 2);
static_assert(psram_timing(200'000'000).divider == 3 && flash_timing(200'000'000).divider == 2);
static_assert(psram_timing(266'000'000).divider == 4 && flash_timing(266'000'000).divider == 2);
static_assert(psram_timing(300'000'000).divider == 4 && flash_timing(300'000'000).divider == 3);
static_assert(within_psram_limits(psram_timing(150'000'000), 150'000'000));
// From the boot ROM's divider 3 and RXDELAY 2, which would sample 8.3 ns after the edge at 300 MHz.
static_assert(flash_timing_on_the_way({.rxdelay = 2, .divider = 3}, 133'000'000).divider == 3);
static_assert(flash_timing_on_the_way({.rxdelay = 2, .divider = 3}, 300'000'000).divider == 5);
static_assert(QmiTiming::from_word(0x60007203) ==
              QmiTiming{.cooldown = 1, .page_break = 2, .min_deselect = 7, .rxdelay = 2, .divider = 3});

}  // namespace pico_llama::chips
