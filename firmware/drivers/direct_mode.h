/// The QMI's direct mode: software sends and receives single bytes on the flash's or PSRAM's bus.
/// While it is enabled, memory-mapped reads of either chip are bus errors, so all of this is
/// inlined into functions in SRAM.
#pragma once

#include <cstdint>

#include "hardware/structs/qmi.h"
#include "hardware/sync.h"

namespace pico_llama::drivers {

#define PICO_LLAMA_INLINE __attribute__((always_inline)) inline

enum class Chip : uint32_t {
  kFlash = QMI_DIRECT_CSR_ASSERT_CS0N_BITS,
  kPsram = QMI_DIRECT_CSR_ASSERT_CS1N_BITS,
};

enum class Lines : uint32_t {
  kSingle = QMI_DIRECT_TX_IWIDTH_VALUE_S << QMI_DIRECT_TX_IWIDTH_LSB,
  kQuad = QMI_DIRECT_TX_IWIDTH_VALUE_Q << QMI_DIRECT_TX_IWIDTH_LSB,
};

/// Scope guard: disables interrupts and enables direct mode; restores both.
/// Requires: code and stack in SRAM; the other core and DMA do not access the XIP windows.
class DirectMode {
 public:
  PICO_LLAMA_INLINE explicit DirectMode(uint32_t divider) : interrupts_(save_and_disable_interrupts()) {
    qmi_hw->direct_csr = divider << QMI_DIRECT_CSR_CLKDIV_LSB | QMI_DIRECT_CSR_EN_BITS;
    // An earlier read may still be in progress, or its chip select in cooldown.
    wait();
  }
  PICO_LLAMA_INLINE ~DirectMode() {
    wait();
    hw_clear_bits(&qmi_hw->direct_csr, QMI_DIRECT_CSR_EN_BITS);
    // Completes the write before the first instruction fetch from flash, which uses a different bus.
    __dsb();
    restore_interrupts(interrupts_);
  }
  DirectMode(const DirectMode&) = delete;
  DirectMode& operator=(const DirectMode&) = delete;

  PICO_LLAMA_INLINE void wait() {
    while (qmi_hw->direct_csr & QMI_DIRECT_CSR_BUSY_BITS) {
    }
  }

  /// Sends one byte and returns the byte received at the same time.
  PICO_LLAMA_INLINE uint8_t exchange(uint8_t byte, Lines lines = Lines::kSingle) {
    qmi_hw->direct_tx = static_cast<uint32_t>(lines) | QMI_DIRECT_TX_OE_BITS | byte;
    while (qmi_hw->direct_csr & QMI_DIRECT_CSR_RXEMPTY_BITS) {
    }
    return static_cast<uint8_t>(qmi_hw->direct_rx);
  }

 private:
  uint32_t interrupts_;
};

/// Scope guard: asserts a chip select.
class Selected {
 public:
  PICO_LLAMA_INLINE Selected(DirectMode& mode, Chip chip) : mode_(mode), bit_(static_cast<uint32_t>(chip)) {
    hw_set_bits(&qmi_hw->direct_csr, bit_);
  }
  PICO_LLAMA_INLINE ~Selected() {
    mode_.wait();
    hw_clear_bits(&qmi_hw->direct_csr, bit_);
    // Both chips require some tens of nanoseconds between two commands.
    for (int i = 0; i < 8; ++i) __asm volatile("nop");
  }
  Selected(const Selected&) = delete;
  Selected& operator=(const Selected&) = delete;

 private:
  DirectMode& mode_;
  uint32_t bit_;
};

PICO_LLAMA_INLINE void send_command(DirectMode& mode, Chip chip, uint8_t command,
                                    Lines lines = Lines::kSingle) {
  Selected selected(mode, chip);
  mode.exchange(command, lines);
}

}  // namespace pico_llama::drivers
