// A serial flash chip on SPI0: identification, erase, program, read back by processor and by DMA.
#include <stdio.h>
#include <string.h>

#include "hardware/dma.h"
#include "hardware/spi.h"
#include "pico/stdlib.h"

enum { kRx = 16, kCs = 17, kSck = 18, kTx = 19, kSector = 0x3000, kPage = 256 };
static uint8_t page[kPage], back[kPage];

static void choose(bool on) { gpio_put(kCs, !on); }

static void command(uint8_t code, int address) {
  uint8_t bytes[4] = {code, (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address};
  spi_write_blocking(spi0, bytes, address < 0 ? 1 : 4);
}

static void wait_ready(void) {
  uint8_t status;
  do {
    choose(true);
    command(0x05, -1);
    spi_read_blocking(spi0, 0, &status, 1);
    choose(false);
  } while ((status & 1) != 0);
}

static void write_enable(void) {
  choose(true);
  command(0x06, -1);
  choose(false);
}

static void read_by_dma(int address) {
  choose(true);
  command(0x03, address);
  const uint tx = (uint)dma_claim_unused_channel(true), rx = (uint)dma_claim_unused_channel(true);
  static const uint8_t zero = 0;
  dma_channel_config config = dma_channel_get_default_config(tx);
  channel_config_set_transfer_data_size(&config, DMA_SIZE_8);
  channel_config_set_read_increment(&config, false);
  channel_config_set_dreq(&config, spi_get_dreq(spi0, true));
  dma_channel_configure(tx, &config, &spi_get_hw(spi0)->dr, &zero, kPage, false);
  config = dma_channel_get_default_config(rx);
  channel_config_set_transfer_data_size(&config, DMA_SIZE_8);
  channel_config_set_read_increment(&config, false);
  channel_config_set_write_increment(&config, true);
  channel_config_set_dreq(&config, spi_get_dreq(spi0, false));
  dma_channel_configure(rx, &config, back, &spi_get_hw(spi0)->dr, kPage, false);
  dma_start_channel_mask(1u << tx | 1u << rx);
  dma_channel_wait_for_finish_blocking(rx);
  choose(false);
}

int main(void) {
  stdio_init_all();
  spi_init(spi0, 10 * 1000 * 1000);
  for (uint pin = kRx; pin <= kTx; ++pin) {
    if (pin != kCs) gpio_set_function(pin, GPIO_FUNC_SPI);
  }
  gpio_init(kCs);
  gpio_put(kCs, 1);
  gpio_set_dir(kCs, GPIO_OUT);

  uint8_t id[3];
  choose(true);
  command(0x9f, -1);
  spi_read_blocking(spi0, 0, id, 3);
  choose(false);
  printf("id %02x %02x %02x\n", id[0], id[1], id[2]);

  write_enable();
  choose(true);
  command(0x20, kSector);
  choose(false);
  wait_ready();
  for (unsigned i = 0; i < kPage; ++i) page[i] = (uint8_t)(i * 37 + 5);
  write_enable();
  choose(true);
  command(0x02, kSector);
  spi_write_blocking(spi0, page, kPage);
  choose(false);
  wait_ready();
  choose(true);
  command(0x03, kSector);
  spi_read_blocking(spi0, 0, back, kPage);
  choose(false);
  printf("processor %s\n", memcmp(page, back, kPage) == 0 ? "same" : "differs");
  memset(back, 0, kPage);
  read_by_dma(kSector);
  printf("dma %s\n", memcmp(page, back, kPage) == 0 ? "same" : "differs");
  printf("done\n");
  while (true) tight_loop_contents();
}
