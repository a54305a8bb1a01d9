#include "firmware/drivers/clocks.h"

#include "firmware/chips/clk_sys.h"
#include "firmware/chips/qmi_timing.h"
#include "firmware/drivers/run_in_sram.h"
#include "hardware/clocks.h"
#include "hardware/structs/qmi.h"
#include "hardware/sync.h"
#include "hardware/vreg.h"
#include "pico/stdlib.h"

namespace pico_llama::drivers {
namespace {

/// Waits until flash has been idle for longer than any cooldown (3 * 64 cycles), since all fields of
/// M0_TIMING but CLKDIV may change only while the QMI is idle. After one access the new divider is in effect.
/// Source: RP2350 datasheet 12.14.6, M0_TIMING.
PICO_LLAMA_RUNS_IN_SRAM(clocks) void set_flash_timing(uint32_t word) {
  const uint32_t interrupts = save_and_disable_interrupts();
  for (int i = 0; i < 256; ++i) __asm volatile("nop");
  qmi_hw->m[0].timing = word;
  (void)*reinterpret_cast<volatile uint32_t*>(XIP_NOCACHE_NOALLOC_BASE);
  __dsb();
  restore_interrupts(interrupts);
}

constexpr vreg_voltage vreg_of(uint32_t millivolts) {
  return millivolts <= 1100 ? VREG_VOLTAGE_1_10 : millivolts <= 1150 ? VREG_VOLTAGE_1_15 : VREG_VOLTAGE_1_20;
}

}  // namespace

hal::ClockState clocks_as_found() {
  const uint32_t clk_sys_hz = clock_get_hz(clk_sys);
  return {.clk_sys_hz = clk_sys_hz, .core_millivolts = chips::Rp2350::core_millivolts(clk_sys_hz)};
}

hal::ClockState bring_up_clocks(uint32_t clk_sys_hz) {
  const uint32_t millivolts = chips::Rp2350::core_millivolts(clk_sys_hz);
  if (clk_sys_hz != clock_get_hz(clk_sys)) {
    vreg_set_voltage(vreg_of(millivolts));
    sleep_ms(2);  // ample for the regulator to settle
    // The boot ROM's settings run flash at clk_sys / 3 and sample 5 half cycles after the edge, which is too
    // fast and too early at high clk_sys.
    const chips::QmiTiming now = chips::QmiTiming::from_word(qmi_hw->m[0].timing);
    run_in_sram(set_flash_timing, chips::flash_timing_on_the_way(now, clk_sys_hz).word());
    const chips::PllSettings pll = chips::pll_for(clk_sys_hz);
    set_sys_clock_pll(pll.vco_hz, pll.post_divider1, pll.post_divider2);
  }
  return {.clk_sys_hz = clock_get_hz(clk_sys), .core_millivolts = millivolts};
}

}  // namespace pico_llama::drivers
