#include "firmware/drivers/clocks.h"

#include "firmware/chips/qmi_timing.h"
#include "hardware/clocks.h"
#include "hardware/structs/qmi.h"
#include "hardware/sync.h"
#include "hardware/vreg.h"
#include "pico/stdlib.h"

namespace pico_llama::drivers {
namespace {

/// The flash as the boot ROM left it runs at clk_sys / 3: beyond its limit once clk_sys is high enough. The
/// divider can be changed while the flash is read, but only holds from the next access on (datasheet,
/// M0_TIMING.CLKDIV).
void slow_flash_down_for(uint32_t clk_sys_hz) {
  chips::QmiTiming timing = chips::QmiTiming::from_word(qmi_hw->m[0].timing);
  const uint32_t divider = chips::flash_timing(clk_sys_hz).divider;
  if (timing.divider < divider) timing.divider = divider;
  qmi_hw->m[0].timing = timing.word();
  (void)*reinterpret_cast<volatile uint32_t*>(XIP_NOCACHE_NOALLOC_BASE);
  __dsb();
  __isb();
}

constexpr vreg_voltage vreg_of(uint32_t millivolts) {
  return millivolts <= 1100 ? VREG_VOLTAGE_1_10 : millivolts <= 1150 ? VREG_VOLTAGE_1_15 : VREG_VOLTAGE_1_20;
}

}  // namespace

hal::ClockState bring_up_clocks(uint32_t clk_sys_hz) {
  const uint32_t millivolts = chips::Rp2350::core_millivolts(clk_sys_hz);
  if (clk_sys_hz != clock_get_hz(clk_sys)) {
    vreg_set_voltage(vreg_of(millivolts));
    sleep_ms(2);  // the regulator's step settles well within
    slow_flash_down_for(clk_sys_hz);
    set_sys_clock_khz(clk_sys_hz / 1000, true);
  }
  return {.clk_sys_hz = clock_get_hz(clk_sys), .core_millivolts = millivolts};
}

}  // namespace pico_llama::drivers
