// Flash erased and programmed by the SDK, and what that does to PSRAM: the SDK writes dirty lines back first
// and sets window 1 again afterwards, so nothing is lost; the boot ROM's own cache flush writes nothing back,
// so what was only in the cache is gone.
#include <stdio.h>
#include <string.h>

#include "hardware/flash.h"
#include "hardware/xip_cache.h"
#include "psram_setup.h"

#define TARGET (1u << 20)

static uint32_t wrong_words(uint32_t salt) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < 1024; ++i) wrong += PSRAM_CACHED[i] != (i ^ salt);
  return wrong;
}

static void flash_cycle(const uint8_t* page) {
  const uint32_t interrupts = save_and_disable_interrupts();
  flash_range_erase(TARGET, FLASH_SECTOR_SIZE);
  flash_range_program(TARGET, page, FLASH_PAGE_SIZE);
  restore_interrupts(interrupts);
}

int main(void) {
  stdio_init_all();
  const psram_config config = {2, 2, 6, true};
  psram_setup(&config);
  static uint8_t page[FLASH_PAGE_SIZE];
  for (unsigned i = 0; i < sizeof page; ++i) page[i] = (uint8_t)(i * 7);

  // Four kilobytes that are only in the cache when the SDK takes over.
  for (uint32_t i = 0; i < 1024; ++i) PSRAM_CACHED[i] = i ^ 0x12345678u;
  const uint64_t begin = time_us_64();
  flash_cycle(page);
  const uint32_t us = (uint32_t)(time_us_64() - begin);
  const uint32_t lost = wrong_words(0x12345678u);

  for (uint32_t i = 0; i < 1024; ++i) PSRAM_CACHED[i] = i ^ 0x9abcdef0u;
  flash_flush_cache();
  psram_setup(&config);
  const uint32_t lost_by_flush = wrong_words(0x9abcdef0u);

  const uint8_t* flash = (const uint8_t*)(XIP_NOCACHE_NOALLOC_BASE + TARGET);
  bool good = memcmp(flash, page, sizeof page) == 0;
  for (unsigned i = sizeof page; i < FLASH_SECTOR_SIZE; ++i) good = good && flash[i] == 0xff;
  good = good && memcmp((const uint8_t*)(XIP_BASE + TARGET), page, sizeof page) == 0;
  uint8_t id[FLASH_UNIQUE_ID_SIZE_BYTES];
  flash_get_unique_id(id);

  printf("flash: %s, erase and program %lu us, psram words lost %lu, by a flush of the boot ROM %lu\n",
         good && lost == 0 ? "PASS" : "FAIL", (unsigned long)us, (unsigned long)lost,
         (unsigned long)lost_by_flush);
  for (;;) tight_loop_contents();
}
