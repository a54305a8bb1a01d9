// Flash into SRAM by the XIP stream and the DMA, while the core goes on from flash.
#include <stdio.h>
#include <string.h>

#include "hardware/dma.h"
#include "hardware/structs/xip_aux.h"
#include "hardware/structs/xip_ctrl.h"
#include "hardware/timer.h"
#include "pico/stdlib.h"

#define WORDS 4096u
static uint32_t target[WORDS];

int main(void) {
  stdio_init_all();
  const uint32_t* source = (const uint32_t*)XIP_BASE;
  while (!(xip_ctrl_hw->stat & XIP_STAT_FIFO_EMPTY_BITS)) (void)xip_ctrl_hw->stream_fifo;
  xip_ctrl_hw->stream_addr = (uint32_t)source;
  xip_ctrl_hw->stream_ctr = WORDS;
  const uint channel = (uint)dma_claim_unused_channel(true);
  dma_channel_config config = dma_channel_get_default_config(channel);
  channel_config_set_read_increment(&config, false);
  channel_config_set_write_increment(&config, true);
  channel_config_set_dreq(&config, DREQ_XIP_STREAM);
  const uint64_t begin = time_us_64();
  dma_channel_configure(channel, &config, target, &xip_aux_hw->stream, WORDS, true);
  dma_channel_wait_for_finish_blocking(channel);
  const uint32_t us = (uint32_t)(time_us_64() - begin);
  const bool same = memcmp(target, source, sizeof target) == 0;
  printf("xip stream: %s, %lu us\n", same && xip_ctrl_hw->stream_ctr == 0 ? "PASS" : "FAIL",
         (unsigned long)us);
  for (;;) tight_loop_contents();
}
