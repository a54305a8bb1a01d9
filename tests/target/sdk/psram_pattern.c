// PSRAM from SPI to QPI, then patterns over all of it, cached and uncached. The same source with one setting
// wrong (PSRAM_DUMMY, PSRAM_QPI, PSRAM_KHZ) must not pass.
#include <stdio.h>

#include "hardware/xip_cache.h"
#include "psram_setup.h"

#ifndef PSRAM_DUMMY
#define PSRAM_DUMMY 6
#endif
#ifndef PSRAM_QPI
#define PSRAM_QPI 1
#endif

static uint32_t pattern(uint32_t word) { return (word + 1) * 2654435761u; }

int main(void) {
#ifdef PSRAM_KHZ
  set_sys_clock_khz(PSRAM_KHZ, true);
#endif
  stdio_init_all();
  const psram_config config = {2, 2, PSRAM_DUMMY, PSRAM_QPI};
  const uint8_t known_good_die = psram_setup(&config);
  printf("psram: known good die %02x at %lu kHz\n", known_good_die,
         (unsigned long)(clock_get_hz(clk_sys) / 2000));
  // One word in every 4 kB reaches every row and address line; then 64 kB on end, four times the cache.
  uint32_t wrong = 0, tested = 0;
  for (uint32_t i = 0; i < PSRAM_BYTES / 4; i += 1024) PSRAM_UNCACHED[i] = pattern(i);
  for (uint32_t i = 0; i < PSRAM_BYTES / 4; i += 1024, ++tested) wrong += PSRAM_UNCACHED[i] != pattern(i);
  for (uint32_t i = 0; i < 16384; ++i) PSRAM_CACHED[i] = ~pattern(i);
  for (uint32_t i = 0; i < 16384; ++i, ++tested) wrong += PSRAM_CACHED[i] != ~pattern(i);
  xip_cache_clean_all();
  for (uint32_t i = 0; i < 16384; ++i, ++tested) wrong += PSRAM_UNCACHED[i] != ~pattern(i);
  printf("psram: %s, %lu of %lu words wrong\n", wrong == 0 ? "PASS" : "FAIL", (unsigned long)wrong,
         (unsigned long)tested);
  for (;;) tight_loop_contents();
}
