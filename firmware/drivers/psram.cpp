#include "firmware/drivers/psram.h"

#include "firmware/chips/qmi_timing.h"
#include "firmware/drivers/direct_mode.h"
#include "firmware/drivers/dma.h"
#include "firmware/drivers/run_in_sram.h"
#include "hardware/gpio.h"
#include "hardware/structs/timer.h"
#include "hardware/structs/xip_ctrl.h"
#include "hardware/timer.h"
#include "hardware/xip_cache.h"
#include "pico.h"

namespace pico_llama::drivers {
namespace {

using chips::Aps6404l;
using chips::Rp2350;

// QPI: command, address and data on four lines; a read waits six clocks (the field's unit is
// four bits, one clock).
constexpr uint32_t kFourLines = QMI_M1_RFMT_PREFIX_WIDTH_VALUE_Q << QMI_M1_RFMT_PREFIX_WIDTH_LSB |
                                QMI_M1_RFMT_ADDR_WIDTH_VALUE_Q << QMI_M1_RFMT_ADDR_WIDTH_LSB |
                                QMI_M1_RFMT_SUFFIX_WIDTH_VALUE_Q << QMI_M1_RFMT_SUFFIX_WIDTH_LSB |
                                QMI_M1_RFMT_DUMMY_WIDTH_VALUE_Q << QMI_M1_RFMT_DUMMY_WIDTH_LSB |
                                QMI_M1_RFMT_DATA_WIDTH_VALUE_Q << QMI_M1_RFMT_DATA_WIDTH_LSB |
                                QMI_M1_RFMT_PREFIX_LEN_VALUE_8 << QMI_M1_RFMT_PREFIX_LEN_LSB;
constexpr uint32_t kReadFormat = kFourLines | Aps6404l::kQuadReadWaitClocks << QMI_M1_RFMT_DUMMY_LEN_LSB;
constexpr uint32_t kWriteFormat = kFourLines;

constexpr uintptr_t kUncached = Rp2350::kXipUncachedBase + Rp2350::kChipSelect1Offset;

PICO_LLAMA_INLINE void wait_us(uint32_t us) {
  const uint32_t start = timer_hw->timerawl;
  while (timer_hw->timerawl - start <= us) {
  }
}

/// Exits QPI, resets, reads the ID; enters QPI and sets up window 1 if the ID is right. Runs from SRAM.
PICO_LLAMA_RUNS_IN_SRAM(psram) void reset_and_identify(hal::PsramState& state, uint32_t divider) {
  DirectMode mode(divider);
  // After a warm restart the chip is still in QPI and accepts commands on four lines only. A chip in SPI mode
  // sees two clocks of an incomplete command and ignores them when its select rises.
  send_command(mode, Chip::kPsram, Aps6404l::kExitQpi, Lines::kQuad);
  send_command(mode, Chip::kPsram, Aps6404l::kResetEnable);
  send_command(mode, Chip::kPsram, Aps6404l::kReset);
  wait_us(Aps6404l::kResetRecoveryUs);
  {
    // 8 + 24 + 24 clocks at 30 MHz: 1.9 us; the select may be low for 8 us.
    Selected selected(mode, Chip::kPsram);
    mode.exchange(Aps6404l::kReadId);
    for (int i = 0; i < 3; ++i) mode.exchange(0);
    state.manufacturer = mode.exchange(0);
    state.known_good_die = mode.exchange(0);
    state.density = mode.exchange(0);
  }
  if (state.manufacturer != Aps6404l::kManufacturerId || state.known_good_die != Aps6404l::kKnownGoodDie)
    return;
  send_command(mode, Chip::kPsram, Aps6404l::kEnterQpi);
  qmi_hw->m[1].timing = state.timing_word;
  qmi_hw->m[1].rfmt = kReadFormat;
  qmi_hw->m[1].rcmd = Aps6404l::kQuadRead << QMI_M1_RCMD_PREFIX_LSB;
  qmi_hw->m[1].wfmt = kWriteFormat;
  qmi_hw->m[1].wcmd = Aps6404l::kQuadWrite << QMI_M1_WCMD_PREFIX_LSB;
}

/// A multiplicative hash: distinct for each address, and neighbours share no pattern.
constexpr uint32_t pattern_of(uint32_t word_index) { return (word_index + 1) * 2654435761u; }

/// Uncached, so that each access reaches the chip.
class Probe {
 public:
  explicit Probe(hal::PsramState& state) : state_(state) {}

  void write(uint32_t offset, uint32_t value) { *word(offset) = value; }
  /// Returns false and records the mismatch if another value is read.
  bool expect(uint32_t offset, uint32_t value) {
    const uint32_t found = *word(offset);
    if (found == value) return true;
    note(offset, value, found);
    return false;
  }
  void note(uint32_t offset, uint32_t expected, uint32_t found) {
    state_.verdict = hal::PsramVerdict::kFailedTest;
    state_.bad_offset = offset;
    state_.bad_expected = expected;
    state_.bad_found = found;
  }

 private:
  static volatile uint32_t* word(uint32_t offset) {
    return reinterpret_cast<volatile uint32_t*>(kUncached + offset);
  }
  hal::PsramState& state_;
};

/// With a stuck line or two shorted lines, two of these addresses alias.
bool address_lines_differ(Probe& probe, uint32_t bytes) {
  probe.write(0, 0x600df00du);
  for (uint32_t offset = 4; offset < bytes; offset <<= 1) probe.write(offset, pattern_of(offset));
  bool good = probe.expect(0, 0x600df00du);
  for (uint32_t offset = 4; good && offset < bytes; offset <<= 1)
    good = probe.expect(offset, pattern_of(offset));
  return good;
}

/// Both values of every data bit, with opposite neighbours, at 64 places across the chip.
bool data_lines_hold(Probe& probe, uint32_t bytes) {
  constexpr uint32_t kPatterns[] = {0x00000000u, 0xffffffffu, 0x55555555u,
                                    0xaaaaaaaau, 0x00ff00ffu, 0x0f0f0f0fu};
  for (uint32_t offset = 0; offset < bytes; offset += bytes / 64) {
    for (const uint32_t pattern : kPatterns) {
      for (uint32_t i = 0; i < 8; ++i) probe.write(offset + i * 4, i & 1 ? ~pattern : pattern);
      for (uint32_t i = 0; i < 8; ++i) {
        if (!probe.expect(offset + i * 4, i & 1 ? ~pattern : pattern)) return false;
      }
    }
  }
  return true;
}

/// Copies a block to PSRAM and reads it back, by DMA and timed, and compares checksums. The block
/// is larger than the cache.
bool checksum_pass(hal::PsramState& state) {
  static constexpr uint32_t kBytes = 128 * 1024;
  // The source is this program's own flash image, which has no simple pattern.
  const std::span source(reinterpret_cast<const std::byte*>(Rp2350::kXipCachedBase), kBytes);
  const std::span target(reinterpret_cast<std::byte*>(kUncached + state.bytes / 2), kBytes);
  const uint32_t expected = dma_crc32(source);
  // The fill's source is one word of SRAM, so this measures the PSRAM's write speed alone.
  const uint64_t fill_us = dma_fill(target, 0xa5c3960fu);
  state.write_kilobytes_per_second = static_cast<uint32_t>(uint64_t{kBytes} * 1000 / (fill_us ? fill_us : 1));
  dma_copy(target, source);
  const uint64_t start = time_us_64();
  const uint32_t found = dma_crc32(target);
  const uint64_t read_us = time_us_64() - start;
  state.read_kilobytes_per_second = static_cast<uint32_t>(uint64_t{kBytes} * 1000 / (read_us ? read_us : 1));
  if (found == expected) return true;
  state.verdict = hal::PsramVerdict::kFailedTest;
  state.bad_offset = state.bytes / 2;
  state.bad_expected = expected;
  state.bad_found = found;
  return false;
}

}  // namespace

hal::PsramState bring_up_psram(uint32_t clk_sys_hz, unsigned select_pin) {
  hal::PsramState state;
  // Also clears the pad's isolation latch, which is still set on this pin after the boot ROM (erratum E14).
  gpio_set_function(select_pin, GPIO_FUNC_XIP_CS1);
  const chips::QmiTiming timing = chips::psram_timing(clk_sys_hz);
  state.timing_word = timing.word();
  state.divider = timing.divider;
  run_in_sram(reset_and_identify, state, chips::divider_for(clk_sys_hz, Aps6404l::kReadIdHz));

  const bool silent = (state.manufacturer == 0xff && state.known_good_die == 0xff) ||
                      (state.manufacturer == 0x00 && state.known_good_die == 0x00);
  if (silent) {
    state.verdict = hal::PsramVerdict::kAbsent;
    return state;
  }
  state.bytes = Aps6404l::bytes_of(state.density);
  if (state.manufacturer != Aps6404l::kManufacturerId || state.known_good_die != Aps6404l::kKnownGoodDie ||
      state.bytes == 0) {
    state.verdict = hal::PsramVerdict::kWrongId;
    return state;
  }

  hw_set_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_WRITABLE_M1_BITS);
  // Cache lines from before a warm restart are stale: the chip has been reset.
  xip_cache_invalidate_all();
  state.verdict = hal::PsramVerdict::kReady;
  Probe probe(state);
  if (!address_lines_differ(probe, state.bytes) || !data_lines_hold(probe, state.bytes) ||
      !checksum_pass(state)) {
    hw_clear_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_WRITABLE_M1_BITS);
  }
  return state;
}

void test_all_of_psram(hal::PsramState& state) {
  Probe probe(state);
  // Ascending with the pattern, then with its complement: every bit takes both values, and every word is
  // unique to its address.
  for (const uint32_t flip : {0u, ~0u}) {
    for (uint32_t offset = 0; offset < state.bytes; offset += 4)
      probe.write(offset, pattern_of(offset / 4) ^ flip);
    for (uint32_t offset = 0; offset < state.bytes; offset += 4) {
      if (!probe.expect(offset, pattern_of(offset / 4) ^ flip)) return;
    }
  }
}

std::span<std::byte> psram_window(const hal::PsramState& state) {
  if (state.verdict != hal::PsramVerdict::kReady) return {};
  return {reinterpret_cast<std::byte*>(kUncached), state.bytes};
}

}  // namespace pico_llama::drivers
