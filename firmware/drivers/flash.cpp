#include "firmware/drivers/flash.h"

#include "firmware/chips/qmi_timing.h"
#include "firmware/drivers/direct_mode.h"
#include "hardware/regs/addressmap.h"
#include "hardware/xip_cache.h"
#include "pico.h"

namespace pico_llama::drivers {
namespace {

using chips::W25q128;

/// Serial command EBh, then address, mode byte, four wait clocks and data on four lines. DUMMY_LEN counts
/// four bits, which is one clock on four lines.
constexpr uint32_t kQuadReadFormat = QMI_M0_RFMT_PREFIX_WIDTH_VALUE_S << QMI_M0_RFMT_PREFIX_WIDTH_LSB |
                                     QMI_M0_RFMT_ADDR_WIDTH_VALUE_Q << QMI_M0_RFMT_ADDR_WIDTH_LSB |
                                     QMI_M0_RFMT_SUFFIX_WIDTH_VALUE_Q << QMI_M0_RFMT_SUFFIX_WIDTH_LSB |
                                     QMI_M0_RFMT_DUMMY_WIDTH_VALUE_Q << QMI_M0_RFMT_DUMMY_WIDTH_LSB |
                                     QMI_M0_RFMT_DATA_WIDTH_VALUE_Q << QMI_M0_RFMT_DATA_WIDTH_LSB |
                                     QMI_M0_RFMT_PREFIX_LEN_VALUE_8 << QMI_M0_RFMT_PREFIX_LEN_LSB |
                                     QMI_M0_RFMT_SUFFIX_LEN_VALUE_8 << QMI_M0_RFMT_SUFFIX_LEN_LSB |
                                     W25q128::kQuadReadDummyClocks << QMI_M0_RFMT_DUMMY_LEN_LSB;
constexpr uint32_t kQuadReadCommand =
    W25q128::kQuadRead << QMI_M0_RCMD_PREFIX_LSB | W25q128::kContinuousRead << QMI_M0_RCMD_SUFFIX_LSB;

/// A value that any wrong bit in the first kilobytes of flash changes: this program's own code and vectors,
/// so no pattern needs to be put there. Past the cache, in the order in which the bus is fastest.
PICO_LLAMA_INLINE uint32_t checksum() {
  const auto* word = reinterpret_cast<const volatile uint32_t*>(XIP_NOCACHE_NOALLOC_BASE);
  uint32_t sum = 0;
  for (int i = 0; i < 2048; ++i) sum = (sum << 1 | sum >> 31) ^ *word++;
  return sum;
}

/// The only part that must not touch flash. `timing_words`: the one to use, and a slower one in case that
/// misreads.
void __no_inline_not_in_flash_func(identify_and_speed_up)(hal::FlashState& state, uint32_t identify_divider,
                                                          const uint32_t (&timing_words)[2]) {
  const uint32_t trusted = checksum();
  // One scope: from the first direct-mode byte to the last register, no instruction may come from flash.
  const uint32_t interrupts = save_and_disable_interrupts();
  {
    DirectMode mode(identify_divider);
    {
      Selected selected(mode, Chip::kFlash);
      mode.exchange(W25q128::kReadJedecId);
      for (int i = 0; i < 3; ++i) state.jedec_id = state.jedec_id << 8 | mode.exchange(0);
    }
    {
      Selected selected(mode, Chip::kFlash);
      mode.exchange(W25q128::kReadStatus2);
      state.quad_enabled = (mode.exchange(0) & W25q128::kStatus2QuadEnable) != 0;
    }
  }
  qmi_hw->m[0].timing = timing_words[0];
  if (state.quad_enabled) {
    qmi_hw->m[0].rcmd = kQuadReadCommand;
    qmi_hw->m[0].rfmt = kQuadReadFormat;
    // This read carries the command and the mode byte; from then on the chip expects an address at once.
    __compiler_memory_barrier();
    (void)*reinterpret_cast<volatile uint32_t*>(XIP_NOCACHE_NOALLOC_BASE);
    __dsb();
    qmi_hw->m[0].rfmt = kQuadReadFormat & ~QMI_M0_RFMT_PREFIX_LEN_BITS;
    __dsb();
    state.continuous_quad = true;
  }
  // What this reads decides before any instruction is fetched with the new timing.
  if (checksum() != trusted) {
    qmi_hw->m[0].timing = timing_words[1];
    (void)*reinterpret_cast<volatile uint32_t*>(
        XIP_NOCACHE_NOALLOC_BASE);  // the new divider holds from here on
    __dsb();
    state.misread_at_divider = timing_words[0] & QMI_M0_TIMING_CLKDIV_BITS;
  }
  restore_interrupts(interrupts);
}

}  // namespace

hal::FlashState bring_up_flash(uint32_t clk_sys_hz) {
  hal::FlashState state;
  state.divider_before = chips::QmiTiming::from_word(qmi_hw->m[0].timing).divider;
  const chips::QmiTiming timing = chips::flash_timing(clk_sys_hz);
  const chips::QmiTiming slower = chips::flash_timing(clk_sys_hz, timing.divider + 1);
  // Identification is not in a hurry: any flash of this class answers at the PSRAM's slow-read clock.
  const uint32_t words[] = {timing.word(), slower.word()};
  identify_and_speed_up(state, chips::divider_for(clk_sys_hz, chips::Aps6404l::kReadIdHz), words);
  state.divider = state.misread_at_divider != 0 ? slower.divider : timing.divider;
  state.bytes = W25q128::bytes_of(static_cast<uint8_t>(state.jedec_id));
  return state;
}

}  // namespace pico_llama::drivers
