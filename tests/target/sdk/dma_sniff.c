// DMA copy with the CRC sniffer, an interrupt at the end, and a chain of two channels.
#include <stdio.h>
#include <string.h>

#include "hardware/dma.h"
#include "hardware/irq.h"
#include "pico/stdlib.h"

static uint32_t source[2048], target[2048], copy[2048];
static volatile unsigned interrupts;

static void on_dma(void) {
  ++interrupts;
  dma_hw->ints0 = dma_hw->ints0;
}

static uint32_t crc32_by_software(const uint8_t* bytes, size_t count) {
  uint32_t crc = 0xffffffffu;
  while (count--) {
    crc ^= *bytes++;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

int main(void) {
  stdio_init_all();
  for (unsigned i = 0; i < 2048; ++i) source[i] = i * 2654435761u;
  const int first = dma_claim_unused_channel(true), second = dma_claim_unused_channel(true);
  dma_channel_set_irq0_enabled((uint)second, true);
  irq_set_exclusive_handler(DMA_IRQ_0, on_dma);
  irq_set_enabled(DMA_IRQ_0, true);

  dma_channel_config config = dma_channel_get_default_config((uint)second);
  channel_config_set_write_increment(&config, true);
  dma_channel_configure((uint)second, &config, copy, target, 2048, false);

  config = dma_channel_get_default_config((uint)first);
  channel_config_set_write_increment(&config, true);
  channel_config_set_sniff_enable(&config, true);
  channel_config_set_chain_to(&config, (uint)second);
  dma_sniffer_enable((uint)first, DMA_SNIFF_CTRL_CALC_VALUE_CRC32R, true);
  dma_sniffer_set_output_reverse_enabled(true);
  dma_sniffer_set_output_invert_enabled(true);
  dma_sniffer_set_data_accumulator(0xffffffffu);
  dma_channel_configure((uint)first, &config, target, source, 2048, true);
  dma_channel_wait_for_finish_blocking((uint)first);
  const uint32_t sniffed = dma_sniffer_get_data_accumulator();
  while (interrupts == 0) tight_loop_contents();

  const uint32_t expected = crc32_by_software((const uint8_t*)source, sizeof source);
  const bool same = memcmp(source, target, sizeof source) == 0 && memcmp(source, copy, sizeof source) == 0;
  printf("dma: %s, crc %08lx, interrupts %u\n",
         same && sniffed == expected && interrupts == 1 ? "PASS" : "FAIL", (unsigned long)sniffed,
         interrupts);
  for (;;) tight_loop_contents();
}
