// Triggers the fault selected by `cause` (set by the test) and prints the fault registers.
#include <stdio.h>

#include "hardware/exception.h"
#include "hardware/structs/m33.h"
#include "hardware/sync.h"
#include "hardware/uart.h"
#include "pico/stdlib.h"

static void say(const char* text) { uart_puts(uart0, text); }

static void fault(void) {
  const uint32_t cfsr = m33_hw->cfsr;
  say("HardFault:");
  if (cfsr & M33_CFSR_BFSR_PRECISERR_BITS) say(" precise bus fault");
  if (cfsr & M33_CFSR_UFSR_UNDEFINSTR_BITS) say(" undefined instruction");
  if (cfsr & M33_CFSR_UFSR_DIVBYZERO_BITS) say(" division by zero");
  if (cfsr & M33_CFSR_UFSR_INVSTATE_BITS) say(" not Thumb");
  if ((cfsr & M33_CFSR_BFSR_BFARVALID_BITS) && m33_hw->bfar == 0x60000000) say(" at 60000000");
  say("\r\ndone\r\n");
  while (true) tight_loop_contents();
}

volatile uint32_t cause __attribute__((section(".uninitialized_data.cause")));

int main() {
  stdio_init_all();
  exception_set_exclusive_handler(HARDFAULT_EXCEPTION, fault);
  say("ready\r\n");
  uart_default_tx_wait_blocking();
  sleep_ms(1);
  switch (cause) {
    case 1:
      (void)*(volatile uint32_t*)0x60000000;
      break;
    case 2:
      __asm volatile("udf #7");
      break;
    case 3:
      m33_hw->ccr |= M33_CCR_DIV_0_TRP_BITS;
      __asm volatile("mov r0, #0\n udiv r0, r0, r0" ::: "r0");
      break;
    case 4:
      __asm volatile("mov r0, #0x20000000\n bx r0" ::: "r0");
      break;
    default:
      break;
  }
  say("no fault\r\ndone\r\n");
  while (true) __wfi();
}
