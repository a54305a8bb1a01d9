// UART1 by DMA: sends a text, then receives ten characters and sends them back.
#include <stdio.h>
#include <string.h>

#include "hardware/dma.h"
#include "hardware/uart.h"
#include "pico/stdlib.h"

static const char text[] = "forty characters, more than a FIFO has.\n";
static char received[10];

static void transfer(bool tx, void* bytes, uint count) {
  const int channel = dma_claim_unused_channel(true);
  dma_channel_config config = dma_channel_get_default_config((uint)channel);
  channel_config_set_transfer_data_size(&config, DMA_SIZE_8);
  channel_config_set_read_increment(&config, tx);
  channel_config_set_write_increment(&config, !tx);
  channel_config_set_dreq(&config, uart_get_dreq(uart1, tx));
  volatile void* fifo = &uart_get_hw(uart1)->dr;
  dma_channel_configure((uint)channel, &config, tx ? fifo : bytes, tx ? bytes : (const void*)fifo, count, true);
  dma_channel_wait_for_finish_blocking((uint)channel);
  dma_channel_unclaim((uint)channel);
}

int main(void) {
  stdio_init_all();
  uart_init(uart1, 1000000);
  gpio_set_function(8, GPIO_FUNC_UART);
  gpio_set_function(9, GPIO_FUNC_UART);
  transfer(true, (void*)text, strlen(text));
  printf("ready\n");
  transfer(false, received, sizeof received);
  transfer(true, received, sizeof received);
  uart_tx_wait_blocking(uart1);
  printf("done\n");
  while (true) tight_loop_contents();
}
