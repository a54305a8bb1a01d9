// PSRAM bring-up written from the datasheets of the RP2350 and the APS6404L, deliberately independent of
// firmware/, which is tested elsewhere.
#pragma once
#include "hardware/clocks.h"
#include "hardware/gpio.h"
#include "hardware/structs/qmi.h"
#include "hardware/structs/xip_ctrl.h"
#include "hardware/sync.h"
#include "pico/stdlib.h"

#define PSRAM_CS_PIN 47u
#define PSRAM_CACHED ((volatile uint32_t*)0x11000000u)
#define PSRAM_UNCACHED ((volatile uint32_t*)0x15000000u)
#define PSRAM_BYTES (8u << 20)

typedef struct {
  uint32_t divider;       // of clk_sys, for reads and writes
  uint32_t rxdelay;       // half cycles
  uint32_t dummy_clocks;  // the chip wants 6
  bool enter_qpi;
} psram_config;

static uint8_t __no_inline_not_in_flash_func(psram_exchange)(uint8_t byte, bool quad) {
  qmi_hw->direct_tx =
      byte | (quad ? QMI_DIRECT_TX_OE_BITS | QMI_DIRECT_TX_IWIDTH_VALUE_Q << QMI_DIRECT_TX_IWIDTH_LSB : 0);
  while (qmi_hw->direct_csr & QMI_DIRECT_CSR_BUSY_BITS) tight_loop_contents();
  return (uint8_t)qmi_hw->direct_rx;
}

static void __no_inline_not_in_flash_func(psram_command)(uint8_t command, bool quad) {
  hw_set_bits(&qmi_hw->direct_csr, QMI_DIRECT_CSR_ASSERT_CS1N_BITS);
  psram_exchange(command, quad);
  hw_clear_bits(&qmi_hw->direct_csr, QMI_DIRECT_CSR_ASSERT_CS1N_BITS);
  busy_wait_at_least_cycles(20);
}

// Returns the known-good-die byte: 5Dh. Runs from SRAM: flash is out of reach in direct mode.
static uint8_t __no_inline_not_in_flash_func(psram_up)(const psram_config* config, uint32_t timing) {
  const uint32_t interrupts = save_and_disable_interrupts();
  qmi_hw->direct_csr = 30u << QMI_DIRECT_CSR_CLKDIV_LSB | QMI_DIRECT_CSR_EN_BITS;
  while (qmi_hw->direct_csr & QMI_DIRECT_CSR_BUSY_BITS) tight_loop_contents();
  psram_command(0xf5, true);  // in case a warm reset left it in QPI
  psram_command(0x66, false);
  psram_command(0x99, false);
  busy_wait_at_least_cycles(10000);
  hw_set_bits(&qmi_hw->direct_csr, QMI_DIRECT_CSR_ASSERT_CS1N_BITS);
  psram_exchange(0x9f, false);
  for (int i = 0; i < 4; ++i) psram_exchange(0, false);
  const uint8_t known_good_die = psram_exchange(0, false);
  hw_clear_bits(&qmi_hw->direct_csr, QMI_DIRECT_CSR_ASSERT_CS1N_BITS);
  busy_wait_at_least_cycles(20);
  if (config->enter_qpi) psram_command(0x35, false);
  qmi_hw->m[1].timing = timing;
  const uint32_t quad = QMI_M1_RFMT_PREFIX_LEN_BITS | 2u << QMI_M1_RFMT_PREFIX_WIDTH_LSB |
                        2u << QMI_M1_RFMT_ADDR_WIDTH_LSB | 2u << QMI_M1_RFMT_SUFFIX_WIDTH_LSB |
                        2u << QMI_M1_RFMT_DUMMY_WIDTH_LSB | 2u << QMI_M1_RFMT_DATA_WIDTH_LSB;
  qmi_hw->m[1].rfmt = quad | config->dummy_clocks << QMI_M1_RFMT_DUMMY_LEN_LSB;
  qmi_hw->m[1].rcmd = 0xeb;
  qmi_hw->m[1].wfmt = quad;
  qmi_hw->m[1].wcmd = 0x38;
  qmi_hw->direct_csr = 0;
  hw_set_bits(&xip_ctrl_hw->ctrl, XIP_CTRL_WRITABLE_M1_BITS);
  restore_interrupts(interrupts);
  return known_good_die;
}

static inline uint8_t psram_setup(const psram_config* config) {
  gpio_set_function(PSRAM_CS_PIN, GPIO_FUNC_XIP_CS1);
  const uint32_t mhz = clock_get_hz(clk_sys) / 1000000;
  const uint32_t max_select = (7 * mhz) / 64;       // 7 us of tCEM's 8, the rest for the access under way
  const uint32_t high = (18 * mhz + 999) / 1000;    // tCPH
  const uint32_t half = (config->divider + 1) / 2;  // what the QMI keeps anyway
  return psram_up(config, 1u << QMI_M1_TIMING_COOLDOWN_LSB | 2u << QMI_M1_TIMING_PAGEBREAK_LSB |
                              (max_select > 63 ? 63 : max_select) << QMI_M1_TIMING_MAX_SELECT_LSB |
                              (high > half ? high - half : 0) << QMI_M1_TIMING_MIN_DESELECT_LSB |
                              config->rxdelay << QMI_M1_TIMING_RXDELAY_LSB |
                              config->divider << QMI_M1_TIMING_CLKDIV_LSB);
}
