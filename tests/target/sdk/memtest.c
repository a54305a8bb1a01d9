// The loops of X65's MEMTEST (blog post of 2025-08-05): 64 kB by words, code in SRAM, 336 MHz, both dividers 3.
// Prints a line for each: its name and microseconds.
#include <stdio.h>

#include "hardware/vreg.h"
#include "hardware/xip_cache.h"
#include "psram_setup.h"

#define WORDS 16384u
static uint32_t sram_from[WORDS], sram_to[WORDS];

// Eight cycles a word on SRAM; published: 401 us, 8.2 cycles. noinline, so that all
// seven measurements run these very instructions.
static void __attribute__((noinline)) __not_in_flash("memtest")
    copy_words(volatile uint32_t* to, const volatile uint32_t* from) {
  uint32_t word, left = WORDS;
  __asm volatile(
      ".p2align 2\n"
      "1: ldr.w %[word], [%[from]], #4\n"
      "   str.w %[word], [%[to]], #4\n"
      "   nop.w\n"
      "   nop.w\n"
      "   nop.w\n"
      "   subs.w %[left], %[left], #1\n"
      "   bne.n 1b\n"
      : [word] "=&r"(word), [to] "+r"(to), [from] "+r"(from), [left] "+r"(left)
      :
      : "memory", "cc");
}

static void __attribute__((noinline)) __not_in_flash("memtest")
    measure(const char* what, volatile uint32_t* to, const volatile uint32_t* from) {
  const uint32_t interrupts = save_and_disable_interrupts();
  const uint32_t begin = timer_hw->timerawl;
  copy_words(to, from);
  const uint32_t us = timer_hw->timerawl - begin;
  restore_interrupts(interrupts);
  printf("memtest: %s %lu us\n", what, (unsigned long)us);
}

static void __no_inline_not_in_flash_func(flash_divider_3)(void) {
  // As stock images leave it, which is what was measured.
  qmi_hw->m[0].timing = 0x60007203;
  (void)*(volatile uint32_t*)XIP_NOCACHE_NOALLOC_BASE;
}

int main(void) {
  flash_divider_3();
  vreg_set_voltage(VREG_VOLTAGE_1_30);
  sleep_ms(2);
  const bool clocked = set_sys_clock_khz(336000, false);
  stdio_init_all();
  // The settings that were measured: github.com/X65/firmware at 7752f28, src/ria/sys/mem.c.
  const psram_config config = {3, 4, 6, true};
  gpio_set_function(PSRAM_CS_PIN, GPIO_FUNC_XIP_CS1);
  psram_up(&config, 1u << QMI_M1_TIMING_COOLDOWN_LSB | 2u << QMI_M1_TIMING_PAGEBREAK_LSB |
                        3u << QMI_M1_TIMING_SELECT_HOLD_LSB | 42u << QMI_M1_TIMING_MAX_SELECT_LSB |
                        17u << QMI_M1_TIMING_MIN_DESELECT_LSB | 4u << QMI_M1_TIMING_RXDELAY_LSB |
                        3u << QMI_M1_TIMING_CLKDIV_LSB);
  printf("memtest: clk_sys %lu kHz %s\n", (unsigned long)(clock_get_hz(clk_sys) / 1000),
         clocked ? "set" : "NOT SET");
  for (uint32_t i = 0; i < WORDS; ++i) PSRAM_UNCACHED[i] = i;
  xip_cache_invalidate_all();
  volatile uint32_t* flash_cached = (volatile uint32_t*)XIP_BASE;
  volatile uint32_t* flash_uncached = (volatile uint32_t*)XIP_NOCACHE_NOALLOC_BASE;
  measure("sram-sram", sram_to, sram_from);
  measure("psram-cached-sram", sram_to, PSRAM_CACHED);
  measure("psram-uncached-sram", sram_to, PSRAM_UNCACHED);
  measure("sram-psram-uncached", PSRAM_UNCACHED, sram_from);
  xip_cache_invalidate_all();
  measure("sram-psram-cached", PSRAM_CACHED, sram_from);
  xip_cache_clean_all();
  xip_cache_invalidate_all();
  // Stores to the read-only window: silicon turns them into loads.
  measure("sram-flash-cached", flash_cached, sram_from);
  xip_cache_invalidate_all();
  measure("sram-flash-uncached", flash_uncached, sram_from);
  printf("memtest: DONE\n");
  for (;;) tight_loop_contents();
}
