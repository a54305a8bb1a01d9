#include "firmware/drivers/flash.h"

#include "firmware/chips/qmi_timing.h"
#include "firmware/drivers/direct_mode.h"
#include "firmware/drivers/run_in_sram.h"
#include "hardware/regs/addressmap.h"
#include "hardware/structs/pads_qspi.h"
#include "hardware/xip_cache.h"
#include "pico.h"

namespace pico_llama::drivers {
namespace {

using chips::W25q128;

/// Serial command EBh, then address, mode byte, four wait clocks and data on four lines. The unit of
/// DUMMY_LEN is four bits, one clock on four lines.
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

/// A checksum of the first kilobytes of flash (this program's vectors and code), changed by any wrong bit.
/// Uncached; first sequentially, at the bus's full rate, then with jumps, so that each word needs its own
/// chip select and address.
PICO_LLAMA_INLINE uint32_t checksum() {
  const auto* word = reinterpret_cast<const volatile uint32_t*>(XIP_NOCACHE_NOALLOC_BASE);
  uint32_t sum = 0;
  for (unsigned i = 0; i < 1024; ++i) sum = (sum << 1 | sum >> 31) ^ word[i];
  for (unsigned i = 0; i < 1024; ++i) sum = (sum << 1 | sum >> 31) ^ word[i * 521 % 2048];
  return sum;
}

/// Waits until the chip select of the last read is high again: no field of M0_TIMING but CLKDIV may change
/// before. The longest cooldown is 3 * 64 cycles. Source: RP2350 datasheet 12.14.6, M0_TIMING.
PICO_LLAMA_INLINE void wait_for_deselect() {
  for (int i = 0; i < 256; ++i) __asm volatile("nop");
}

/// SCK with 8 mA and fast slew rate, data inputs without hysteresis, as the SDK's second boot stage sets them
/// for this divider; the boot ROM does not. Source: Pico SDK, rp2350/boot_stage2/boot2_w25q080.S.
PICO_LLAMA_INLINE void set_fast_pads() {
  pads_qspi_hw->io[0] = 2 << PADS_QSPI_GPIO_QSPI_SCLK_DRIVE_LSB | PADS_QSPI_GPIO_QSPI_SCLK_SLEWFAST_BITS;
  for (int i = 1; i <= 4; ++i) hw_clear_bits(&pads_qspi_hw->io[i], PADS_QSPI_GPIO_QSPI_SD0_SCHMITT_BITS);
}

/// Runs from SRAM. `timing_words`: the preferred one, a slower one in case that misreads, the boot ROM's.
/// Each change is verified against a checksum read with the boot ROM's settings and undone if it differs.
PICO_LLAMA_RUNS_IN_SRAM(flash)
void identify_and_speed_up(hal::FlashState& state, uint32_t identify_divider,
                           const uint32_t (&timing_words)[3]) {
  const uint32_t trusted = checksum();
  // From the first direct-mode byte to the last register write, no instruction may be fetched from flash.
  const uint32_t interrupts = save_and_disable_interrupts();
  {
    DirectMode mode(identify_divider);
    set_fast_pads();
    Selected selected(mode, Chip::kFlash);
    mode.exchange(W25q128::kReadJedecId);
    for (int i = 0; i < 3; ++i) state.jedec_id = state.jedec_id << 8 | mode.exchange(0);
  }
  if (state.quad_enabled) {
    const uint32_t command = qmi_hw->m[0].rcmd;
    const uint32_t format = qmi_hw->m[0].rfmt;
    qmi_hw->m[0].rcmd = kQuadReadCommand;
    qmi_hw->m[0].rfmt = kQuadReadFormat;
    // This read sends the command and the mode byte; every later one begins with the address.
    __compiler_memory_barrier();
    (void)*reinterpret_cast<volatile uint32_t*>(XIP_NOCACHE_NOALLOC_BASE);
    __dsb();
    qmi_hw->m[0].rfmt = kQuadReadFormat & ~QMI_M0_RFMT_PREFIX_LEN_BITS;
    __dsb();
    // Still at the boot ROM's timing, so a mismatch can only mean that the chip ignored the mode byte.
    state.continuous_quad = checksum() == trusted;
    if (!state.continuous_quad) {
      {
        // All ones end a continuous read; to a chip that is not in one they are an unknown command.
        DirectMode mode(identify_divider);
        Selected selected(mode, Chip::kFlash);
        for (int i = 0; i < 4; ++i) mode.exchange(0xff, Lines::kQuad);
      }
      qmi_hw->m[0].rcmd = command;
      qmi_hw->m[0].rfmt = format;
    }
  }
  // Verified before any instruction is fetched with the new timing. The last word is the boot ROM's.
  for (const uint32_t word : timing_words) {
    wait_for_deselect();
    qmi_hw->m[0].timing = word;
    __dsb();
    if (checksum() == trusted) break;
  }
  restore_interrupts(interrupts);
}

uint32_t read_width() {
  return (qmi_hw->m[0].rfmt & QMI_M0_RFMT_DATA_WIDTH_BITS) >> QMI_M0_RFMT_DATA_WIDTH_LSB;
}

}  // namespace

hal::FlashState flash_as_found() {
  hal::FlashState state;
  state.bytes = PICO_FLASH_SIZE_BYTES;
  state.divider = state.divider_before = chips::QmiTiming::from_word(qmi_hw->m[0].timing).divider;
  // The boot ROM uses the first of EBh, BBh, 0Bh and 03h that reads a program (datasheet 5.2.7), which
  // reveals the QE bit. Reading QE from the chip is not portable: 35h reads Winbond's second status register
  // but puts ISSI's and Macronix's chips into QPI.
  state.quad_enabled = read_width() == QMI_M0_RFMT_DATA_WIDTH_VALUE_Q;
  return state;
}

hal::FlashState bring_up_flash(uint32_t clk_sys_hz) {
  hal::FlashState state = flash_as_found();
  const uint32_t before = qmi_hw->m[0].timing;
  const chips::QmiTiming timing = chips::flash_timing(clk_sys_hz);
  const chips::QmiTiming slower = chips::flash_timing(clk_sys_hz, timing.divider + 1);
  uint32_t words[] = {timing.word(), slower.word(), before};
  if (read_width() == QMI_M0_RFMT_DATA_WIDTH_VALUE_S) words[0] = before;  // 03h is rated for much less
  // The id is read at the PSRAM's slow-read clock, which any flash of this class supports.
  run_in_sram(identify_and_speed_up, state, chips::divider_for(clk_sys_hz, chips::Aps6404l::kReadIdHz),
              words);
  state.divider = chips::QmiTiming::from_word(qmi_hw->m[0].timing).divider;
  if (state.divider > timing.divider && words[0] != before) state.misread_at_divider = timing.divider;
  // Without a valid size in the id, the size from the board's header is kept.
  if (const uint32_t bytes = W25q128::bytes_of(static_cast<uint8_t>(state.jedec_id)); bytes != 0)
    state.bytes = bytes;
  return state;
}

}  // namespace pico_llama::drivers
