// A UART made of two PIO state machines, 8n1 at 115200 baud: TX on GPIO4, RX on GPIO5. It sends a line, then returns each byte it receives
// plus one, with an interrupt for each received byte.
#include <stdio.h>

#include "hardware/clocks.h"
#include "hardware/irq.h"
#include "hardware/pio.h"
#include "hardware/pio_instructions.h"
#include "pico/stdlib.h"

enum { kTx = 4, kRx = 5, kBaud = 115200 };
static const uint kTxSm = 0, kRxSm = 3;
static volatile unsigned received;

static void on_receive(void) {
  while (!pio_sm_is_rx_fifo_empty(pio1, kRxSm)) {
    // Data enters from the left, so the byte is in the high bits.
    const uint8_t byte = (uint8_t)(pio_sm_get(pio1, kRxSm) >> 24);
    pio_sm_put(pio1, kTxSm, (uint32_t)byte + 1);
    ++received;
  }
}

int main(void) {
  stdio_init_all();
  const float divider = (float)clock_get_hz(clk_sys) / (8 * kBaud);
  const uint stop = pio_encode_sideset_opt(1, 1), start = pio_encode_sideset_opt(1, 0);
  uint16_t tx_program[] = {
      (uint16_t)(pio_encode_pull(false, true) | stop | pio_encode_delay(7)),  // 0: idle, stop bit
      (uint16_t)(pio_encode_set(pio_x, 7) | start | pio_encode_delay(7)),     // 1: start bit
      (uint16_t)(pio_encode_out(pio_pins, 1)),                                // 2: 8 bits of 8 cycles
      (uint16_t)(pio_encode_jmp_x_dec(2) | pio_encode_delay(6)),              // 3
  };
  uint16_t rx_program[] = {
      (uint16_t)(pio_encode_wait_pin(false, 0)),                     // 0: start bit
      (uint16_t)(pio_encode_set(pio_x, 7) | pio_encode_delay(10)),   // 1: to the middle of the first bit
      (uint16_t)(pio_encode_in(pio_pins, 1)),                        // 2
      (uint16_t)(pio_encode_jmp_x_dec(2) | pio_encode_delay(6)),     // 3
      (uint16_t)(pio_encode_wait_pin(true, 0)),                      // 4: stop bit
      (uint16_t)(pio_encode_push(false, true)),                      // 5
  };
  const struct pio_program tx_image = {.instructions = tx_program, .length = 4, .origin = -1};
  const struct pio_program rx_image = {.instructions = rx_program, .length = 6, .origin = -1};
  const uint tx_offset = (uint)pio_add_program(pio1, &tx_image), rx_offset = (uint)pio_add_program(pio1, &rx_image);

  pio_sm_set_pins_with_mask(pio1, kTxSm, 1u << kTx, 1u << kTx);
  pio_sm_set_pindirs_with_mask(pio1, kTxSm, 1u << kTx, 1u << kTx | 1u << kRx);
  pio_gpio_init(pio1, kTx);
  pio_sm_config config = pio_get_default_sm_config();
  sm_config_set_wrap(&config, tx_offset, tx_offset + 3);
  sm_config_set_sideset(&config, 2, true, false);
  sm_config_set_sideset_pins(&config, kTx);
  sm_config_set_out_pins(&config, kTx, 1);
  sm_config_set_out_shift(&config, true, false, 32);
  sm_config_set_fifo_join(&config, PIO_FIFO_JOIN_TX);
  sm_config_set_clkdiv(&config, divider);
  pio_sm_init(pio1, kTxSm, tx_offset, &config);

  pio_gpio_init(pio1, kRx);
  gpio_pull_up(kRx);
  config = pio_get_default_sm_config();
  sm_config_set_wrap(&config, rx_offset, rx_offset + 5);
  sm_config_set_in_pins(&config, kRx);
  sm_config_set_in_shift(&config, true, false, 32);
  sm_config_set_fifo_join(&config, PIO_FIFO_JOIN_RX);
  sm_config_set_clkdiv(&config, divider);
  pio_sm_init(pio1, kRxSm, rx_offset, &config);

  pio_set_irq0_source_enabled(pio1, pis_sm3_rx_fifo_not_empty, true);
  irq_set_exclusive_handler(PIO1_IRQ_0, on_receive);
  irq_set_enabled(PIO1_IRQ_0, true);
  pio_set_sm_mask_enabled(pio1, 1u << kTxSm | 1u << kRxSm, true);
  for (const char* c = "pio uart\n"; *c != 0; ++c) pio_sm_put_blocking(pio1, kTxSm, (uint8_t)*c);
  printf("ready\n");
  while (received < 5) tight_loop_contents();
  printf("done\n");
  while (true) tight_loop_contents();
}
