// The LED on WL_GPIO0 of the CYW43439, without the radio's firmware: ChipCommon's GPIO registers, written
// over the radio's host bus (gSPI) by bit-bang. What each step relies on, and what no board has shown yet:
// docs/hardware-risks.md.
//
// gSPI (CYW43439 datasheet, gSPI chapter): CLK idles low, the radio samples DATA at its rising edge; a
// command of 32 bits, then data in whole words, most significant bit first. One line carries both directions.
#include "firmware/drivers/led.h"
#include "hardware/gpio.h"
#include "hardware/structs/sio.h"
#include "hardware/timer.h"
#include "pico.h"
#include "pico/time.h"

namespace pico_llama::drivers {
namespace {

using hal::LedState;

constexpr uint32_t kPower = 1u << CYW43_DEFAULT_PIN_WL_REG_ON, kSelect = 1u << CYW43_DEFAULT_PIN_WL_CS,
                   kClock = 1u << CYW43_DEFAULT_PIN_WL_CLOCK, kData = 1u << CYW43_DEFAULT_PIN_WL_DATA_OUT;
static_assert(CYW43_DEFAULT_PIN_WL_DATA_OUT == CYW43_DEFAULT_PIN_WL_DATA_IN);
static_assert(CYW43_DEFAULT_PIN_WL_CLOCK < 32 && CYW43_DEFAULT_PIN_WL_REG_ON < 32, "the first word of SIO");

// Function 0: the bus itself.
constexpr uint32_t kControl = 0x00, kInterruptEnable = 0x06, kTestPattern = 0x14, kResponseDelayF1 = 0x1d;
constexpr uint32_t kExpectedPattern = 0xfeedbead;
/// Registers 0 to 3: 32-bit words, high speed (as after reset), interrupt active high (as after reset),
/// WAKE_UP; four bytes of response delay; no status word after each transfer.
constexpr uint32_t kControlValue = 0x000004b1;
/// Function 1, registers of the bus core: which 32 kB of the backplane are seen, and its clock.
constexpr uint32_t kWindowLow = 0x1000a, kClockCsr = 0x1000e;
constexpr uint32_t kRequestAlp = 0x08, kAlpAvailable = 0x40;
/// Function 1, the window: bit 15 asks for an access of 32 bits.
constexpr uint32_t kChipCommon = 0x18000000, kAccess32 = 0x8000, kGpioOut = kAccess32 | 0x64,
                   kGpioOutEnable = kAccess32 | 0x68;
constexpr uint32_t kLedPin = 1u << CYW43_WL_GPIO_LED_PIN;

enum class Function : uint32_t { kBus = 0, kBackplane = 1 };

/// Regulators discharge for 10 ms at least before the next start; the radio answers 50 ms after it, and is
/// given four times that. Its crystal starts within 15 ms (public drivers wait as long).
constexpr uint32_t kOffMs = 20, kStartMs = 200, kCrystalMs = 30;

bool lit = false;
LedState state = LedState::kNotDriven;

constexpr uint32_t command(bool write, Function function, uint32_t address, uint32_t bytes) {
  constexpr uint32_t kIncrement = 1u << 30;
  return (write ? 1u << 31 : 0) | kIncrement | static_cast<uint32_t>(function) << 28 | address << 11 | bytes;
}

/// As the radio takes 32 bits before it is told to use words of 32: low half first.
constexpr uint32_t halves_swapped(uint32_t word) { return word << 16 | word >> 16; }

/// The `bits` high bits of `word`. CLK and DATA are low before and after.
/// Cost: 10 cycles a bit; CLK is high and low for at least 3 each, which keeps 6.9 ns at 300 MHz too.
void shift_out(uint32_t word, int bits) {
  // Bit i: whether the bit after it differs. DATA changes together with CLK's falling edge.
  uint32_t changes = word ^ (word << 1);
  sio_hw->gpio_togl = (word >> 31) * kData;
#pragma GCC unroll 1
  for (; bits > 0; --bits) {
    __asm volatile("nop\n nop\n nop\n" : "+r"(changes));
    sio_hw->gpio_set = kClock;
    __asm volatile("" : "+r"(changes));  // what follows is done while CLK is high
    const uint32_t toggle = kClock | (changes >> 31) * kData;
    changes <<= 1;
    sio_hw->gpio_togl = toggle;
  }
}

[[gnu::noinline]] void send(uint32_t command_word, uint32_t data) {
  sio_hw->gpio_clr = kSelect;
  shift_out(command_word, 32);
  shift_out(data, 32);
  sio_hw->gpio_set = kSelect;
}

// Everything below runs at start and for /led only.

[[gnu::cold]] void settle() { busy_wait_us_32(1); }

/// A word from the radio, after `skipped` words of response delay. In high-speed mode the radio changes DATA
/// at the rising edge, in normal mode at the falling one: sampled just before a rising edge, either is right.
[[gnu::cold, gnu::noinline]] uint32_t receive(uint32_t command_word, int skipped) {
  sio_hw->gpio_clr = kSelect;
  // All bits but the last, after which the radio drives DATA: this chip lets go of it while CLK is high.
  shift_out(command_word, 31);
  if (command_word & 1) sio_hw->gpio_set = kData;
  settle();
  sio_hw->gpio_set = kClock;
  settle();
  sio_hw->gpio_oe_clr = kData;
  sio_hw->gpio_clr = kClock | kData;
  uint32_t word = 0;
  for (int bit = 0; bit < 32 * (skipped + 1); ++bit) {
    settle();
    word = word << 1 | (sio_hw->gpio_in & kData ? 1 : 0);
    sio_hw->gpio_set = kClock;
    settle();
    sio_hw->gpio_clr = kClock;
  }
  sio_hw->gpio_set = kSelect;
  sio_hw->gpio_oe_set = kData;
  return word;
}

[[gnu::cold, gnu::noinline]] void write_register(Function function, uint32_t address, uint32_t value,
                                                 uint32_t bytes) {
  send(command(true, function, address, bytes), value);
}

[[gnu::cold, gnu::noinline]] uint32_t read_backplane(uint32_t address, uint32_t bytes) {
  return receive(command(false, Function::kBackplane, address, bytes), 1);
}

[[gnu::cold]] bool pattern_is_right() {
  return receive(command(false, Function::kBus, kTestPattern, 4), 0) == kExpectedPattern;
}

[[gnu::cold, gnu::noinline]] void power_up() {
  for (const unsigned pin : {CYW43_DEFAULT_PIN_WL_REG_ON, CYW43_DEFAULT_PIN_WL_DATA_OUT,
                             static_cast<int>(CYW43_DEFAULT_PIN_WL_CS), CYW43_DEFAULT_PIN_WL_CLOCK}) {
    gpio_init(pin);
    gpio_set_pulls(pin, false, true);
  }
  sio_hw->gpio_clr = kPower | kClock | kData;  // DATA low at power-up selects gSPI instead of SDIO
  sio_hw->gpio_set = kSelect;
  sio_hw->gpio_oe_set = kPower | kClock | kData | kSelect;
  sleep_ms(kOffMs);
  sio_hw->gpio_set = kPower;
}

/// Waits for the answer in the radio's power-up word order.
[[gnu::cold, gnu::noinline]] bool wait_for_pattern() {
  const uint32_t ask = halves_swapped(command(false, Function::kBus, kTestPattern, 4));
  for (uint32_t ms = 0; ms < kStartMs; ms += 5) {
    sleep_ms(5);
    if (halves_swapped(receive(ask, 0)) == kExpectedPattern) return true;
  }
  return false;
}

[[gnu::cold, gnu::noinline]] bool start_clock() {
  write_register(Function::kBackplane, kClockCsr, kRequestAlp, 1);
  for (uint32_t ms = 0; ms < kCrystalMs; ++ms) {
    sleep_ms(1);
    if (read_backplane(kClockCsr, 1) & kAlpAvailable) return true;
  }
  return false;
}

[[gnu::cold]] bool registers_hold() {
  return (read_backplane(kGpioOutEnable, 4) & kLedPin) &&
         (read_backplane(kGpioOut, 4) & kLedPin) == (lit ? kLedPin : 0);
}

}  // namespace

[[gnu::cold]] LedState start_led() {
  power_up();
  if (!wait_for_pattern()) return state = LedState::kRadioSilent;
  send(halves_swapped(command(true, Function::kBus, kControl, 4)), halves_swapped(kControlValue));
  if (!pattern_is_right()) return state = LedState::kRadioSilent;
  // The radio would ask for an interrupt on DATA, which belongs to this chip between transfers.
  write_register(Function::kBus, kInterruptEnable, 0, 2);
  write_register(Function::kBus, kResponseDelayF1, 4, 1);
  if (!start_clock()) return state = LedState::kRadioNoClock;
  for (uint32_t byte = 0; byte < 3; ++byte)
    write_register(Function::kBackplane, kWindowLow + byte, kChipCommon >> (8 * byte + 8) & 0xff, 1);
  write_register(Function::kBackplane, kGpioOut, kLedPin, 4);
  write_register(Function::kBackplane, kGpioOutEnable, kLedPin, 4);
  lit = true;
  return state = registers_hold() ? LedState::kRadioReady : LedState::kRadioForgets;
}

void set_led(bool on) {
  if (on == lit || state < LedState::kRadioReady) return;
  lit = on;
  send(command(true, Function::kBackplane, kGpioOut, 4), on ? kLedPin : 0);
}

[[gnu::cold]] LedState check_led() {
  if (state < LedState::kRadioReady) return state;
  if (!pattern_is_right()) return LedState::kRadioSilent;
  return registers_hold() ? LedState::kRadioReady : LedState::kRadioForgets;
}

}  // namespace pico_llama::drivers
