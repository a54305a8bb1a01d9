// Scans I2C0, then uses what it has found: a device with registers at 2Ah and an EEPROM at 50h.
#include <stdio.h>
#include <string.h>

#include "hardware/i2c.h"
#include "pico/stdlib.h"

enum { kSda = 12, kScl = 13, kSensor = 0x2a, kEeprom = 0x50 };

int main(void) {
  stdio_init_all();
  const uint baud = i2c_init(i2c0, 400 * 1000);
  gpio_set_function(kSda, GPIO_FUNC_I2C);
  gpio_set_function(kScl, GPIO_FUNC_I2C);
  gpio_pull_up(kSda);
  gpio_pull_up(kScl);
  printf("baud %s\n", baud > 395000 && baud <= 400000 ? "400k" : "wrong");
  for (uint8_t address = 0x08; address < 0x78; ++address) {
    uint8_t byte;
    if (i2c_read_blocking(i2c0, address, &byte, 1, false) >= 0) printf("found %02x\n", address);
  }

  uint8_t place = 0x10, value[3];
  i2c_write_blocking(i2c0, kSensor, &place, 1, true);
  i2c_read_blocking(i2c0, kSensor, value, 3, false);
  printf("registers %02x %02x %02x\n", value[0], value[1], value[2]);
  const uint8_t set[] = {0x80, 0xa5, 0x5a};
  printf("wrote %d\n", i2c_write_blocking(i2c0, kSensor, set, 3, false));

  uint8_t page[2 + 32] = {0x12, 0x40};
  for (unsigned i = 0; i < 32; ++i) page[2 + i] = (uint8_t)(i * i);
  printf("page %d\n", i2c_write_blocking(i2c0, kEeprom, page, sizeof page, false));
  unsigned polls = 0;
  while (i2c_write_blocking(i2c0, kEeprom, page, 2, true) < 0) ++polls;
  uint8_t back[32];
  i2c_read_blocking(i2c0, kEeprom, back, 32, false);
  printf("eeprom %s after %s\n", memcmp(back, page + 2, 32) == 0 ? "same" : "differs",
         polls > 50 ? "acknowledge polling" : "no wait");
  printf("nobody %d\n", i2c_write_blocking(i2c0, 0x33, set, 3, false));
  printf("done\n");
  while (true) tight_loop_contents();
}
