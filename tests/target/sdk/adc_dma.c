// The ADC: one sample, the temperature, then three inputs in turn at 10 kS/s by DMA.
#include <stdio.h>

#include "hardware/adc.h"
#include "hardware/dma.h"
#include "pico/stdlib.h"

enum { kSamples = 60 };
static uint16_t samples[kSamples];

int main(void) {
  stdio_init_all();
  adc_init();
  for (uint input = 0; input < 3; ++input) adc_gpio_init(ADC_BASE_PIN + input);
  adc_select_input(1);
  printf("once %u\n", adc_read());
  adc_set_temp_sensor_enabled(true);
  adc_select_input(ADC_TEMPERATURE_CHANNEL_NUM);
  const float volts = (float)adc_read() * 3.3f / 4096;
  printf("temperature %d\n", (int)(27 - (volts - 0.706f) / 0.001721f + 0.5f));

  adc_select_input(0);
  adc_set_round_robin(7);
  adc_fifo_setup(true, true, 1, false, false);
  adc_set_clkdiv(4799);
  const int channel = dma_claim_unused_channel(true);
  dma_channel_config config = dma_channel_get_default_config((uint)channel);
  channel_config_set_transfer_data_size(&config, DMA_SIZE_16);
  channel_config_set_read_increment(&config, false);
  channel_config_set_write_increment(&config, true);
  channel_config_set_dreq(&config, DREQ_ADC);
  dma_channel_configure((uint)channel, &config, samples, &adc_hw->fifo, kSamples, true);
  const uint64_t begin = time_us_64();
  adc_run(true);
  dma_channel_wait_for_finish_blocking((uint)channel);
  const unsigned us = (unsigned)(time_us_64() - begin);
  adc_run(false);
  for (unsigned input = 0; input < 3; ++input) {
    unsigned sum = 0;
    for (unsigned i = input; i < kSamples; i += 3) sum += samples[i];
    printf("input %u mean %u\n", input, sum / (kSamples / 3));
  }
  printf("%u samples in %s\n", kSamples, us >= 5900 && us <= 5910 ? "5.9 ms" : "another time");
  printf("done\n");
  while (true) tight_loop_contents();
}
