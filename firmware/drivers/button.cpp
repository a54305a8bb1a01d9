#include "firmware/drivers/button.h"

#include "hardware/gpio.h"
#include "hardware/structs/io_qspi.h"
#include "hardware/structs/sio.h"
#include "hardware/structs/xip.h"
#include "hardware/sync.h"
#include "pico.h"

namespace pico_llama::drivers {

#if defined(PIMORONI_PICO_PLUS2_W_USER_SW_PIN)
constexpr unsigned kButtonPin = PIMORONI_PICO_PLUS2_W_USER_SW_PIN;
#define PICO_LLAMA_BUTTON_GPIO 1
#elif defined(PIMORONI_PICO_PLUS2_USER_SW_PIN)
constexpr unsigned kButtonPin = PIMORONI_PICO_PLUS2_USER_SW_PIN;
#define PICO_LLAMA_BUTTON_GPIO 1
#endif

#ifdef PICO_LLAMA_BUTTON_GPIO

void start_button() {
  gpio_init(kButtonPin);
  gpio_pull_up(kButtonPin);
}

bool button_pressed() { return !gpio_get(kButtonPin); }

#else

void start_button() {}

/// BOOTSEL pulls the flash's chip select low through a resistor: disable the pin's output and sample it.
bool __no_inline_not_in_flash_func(button_pressed)() {
  const uint32_t interrupts = save_and_disable_interrupts();
  // Stream runs are started by an interrupt, which is masked here: if none is active, none can begin.
  if (xip_ctrl_hw->stream_ctr != 0) {
    restore_interrupts(interrupts);
    return false;
  }
  hw_write_masked(&io_qspi_hw->io[1].ctrl, GPIO_OVERRIDE_LOW << IO_QSPI_GPIO_QSPI_SS_CTRL_OEOVER_LSB,
                  IO_QSPI_GPIO_QSPI_SS_CTRL_OEOVER_BITS);
  // The pull-up needs a few microseconds to charge the trace.
  for (int i = 0; i < 1000; ++i) __asm volatile("nop");
  const bool pressed = (sio_hw->gpio_hi_in & SIO_GPIO_HI_IN_QSPI_CSN_BITS) == 0;
  hw_write_masked(&io_qspi_hw->io[1].ctrl, GPIO_OVERRIDE_NORMAL << IO_QSPI_GPIO_QSPI_SS_CTRL_OEOVER_LSB,
                  IO_QSPI_GPIO_QSPI_SS_CTRL_OEOVER_BITS);
  restore_interrupts(interrupts);
  return pressed;
}

#endif

}  // namespace pico_llama::drivers
