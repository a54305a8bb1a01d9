// A chain of WS2812 LEDs on GPIO2: a PIO program makes the pulses, DMA feeds it. Each bit takes 10 cycles of 8 MHz: high for 3 and low for
// 7, or high for 6 and low for 4.
#include <stdio.h>

#include "hardware/clocks.h"
#include "hardware/dma.h"
#include "hardware/pio.h"
#include "hardware/pio_instructions.h"
#include "pico/stdlib.h"

enum { kPin = 2, kLeds = 6 };

int main(void) {
  stdio_init_all();
  const PIO pio = pio0;
  const uint sm = (uint)pio_claim_unused_sm(pio, true);
  const uint side = pio_encode_sideset(1, 1);
  uint16_t program[] = {
      (uint16_t)(pio_encode_out(pio_x, 1) | pio_encode_delay(3)),                  // 0: low, the rest of the bit before
      (uint16_t)(pio_encode_jmp_not_x(3) | side | pio_encode_delay(2)),            // 1: high for 3
      (uint16_t)(pio_encode_jmp(0) | side | pio_encode_delay(2)),                  // 2: a 1: high for 3 more
      (uint16_t)(pio_encode_nop() | pio_encode_delay(2)),                          // 3: a 0
  };
  const struct pio_program image = {.instructions = program, .length = 4, .origin = -1};
  const uint offset = (uint)pio_add_program(pio, &image);
  pio_gpio_init(pio, kPin);
  pio_sm_set_consecutive_pindirs(pio, sm, kPin, 1, true);
  pio_sm_config config = pio_get_default_sm_config();
  sm_config_set_wrap(&config, offset, offset + 3);
  sm_config_set_sideset(&config, 1, false, false);
  sm_config_set_sideset_pins(&config, kPin);
  sm_config_set_out_shift(&config, false, true, 24);
  sm_config_set_fifo_join(&config, PIO_FIFO_JOIN_TX);
  sm_config_set_clkdiv(&config, (float)clock_get_hz(clk_sys) / 8000000);
  pio_sm_init(pio, sm, offset, &config);
  pio_sm_set_enabled(pio, sm, true);

  static uint32_t colours[kLeds] = {0x102030u << 8, 0xff00aau << 8, 0x000001u << 8, 0x800000u << 8, 0x55aa55u << 8, 0xffffffu << 8};
  const int channel = dma_claim_unused_channel(true);
  dma_channel_config dma = dma_channel_get_default_config((uint)channel);
  channel_config_set_dreq(&dma, pio_get_dreq(pio, sm, true));
  dma_channel_configure((uint)channel, &dma, &pio->txf[sm], colours, kLeds, true);
  dma_channel_wait_for_finish_blocking((uint)channel);
  const uint32_t stalled = 1u << (PIO_FDEBUG_TXSTALL_LSB + sm);
  pio->fdebug = stalled;
  while ((pio->fdebug & stalled) == 0) tight_loop_contents();
  printf("done\n");
  while (true) tight_loop_contents();
}
