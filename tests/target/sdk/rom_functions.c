// What the SDK asks of the boot ROM and of the chip's identity and randomness.
#include <stdio.h>
#include <string.h>

#include "hardware/structs/otp.h"
#include "hardware/structs/qmi.h"
#include "hardware/sync.h"
#include "pico/bootrom.h"
#include "pico/platform.h"
#include "pico/rand.h"
#include "pico/stdlib.h"
#include "pico/unique_id.h"

int main() {
  stdio_init_all();
  printf("chip %u rom %u\n", rp2350_chip_version(), rp2040_rom_version());
  char id[2 * PICO_UNIQUE_BOARD_ID_SIZE_BYTES + 1];
  pico_get_unique_board_id_string(id, sizeof id);
  printf("id %s\n", id);
  uint16_t row[4];
  const int read = rom_func_otp_access((uint8_t*)row, sizeof row, (otp_cmd_t){.flags = OTP_CMD_ECC_BITS});
  printf("otp %d %04X%04X%04X%04X\n", read, row[3], row[2], row[1], row[0]);
  uint32_t words[5];
  printf("partitions %d", rom_get_partition_table_info(words, 4, PT_INFO_PT_INFO));
  printf(" count %u unpartitioned %08x %08x\n", (unsigned)words[1], (unsigned)words[2], (unsigned)words[3]);
  rom_get_sys_info(words, 5, SYS_INFO_BOOT_INFO);
  printf("boot info %08x\n", (unsigned)words[1]);
  printf("storage %08x\n", (unsigned)rom_flash_runtime_to_storage_addr(0x10012345));
  printf("outside %d\n", (int)rom_flash_runtime_to_storage_addr(0x20000000));
  uint8_t copy[64];
  const cflash_flags_t flags = {.flags = CFLASH_OP_VALUE_READ << CFLASH_OP_LSB | CFLASH_SECLEVEL_VALUE_SECURE
                                                                                     << CFLASH_SECLEVEL_LSB};
  rom_flash_op_fn flash_op = (rom_flash_op_fn)rom_func_lookup(ROM_FUNC_FLASH_OP);
  const int rc = flash_op(flags, 0x10000000, sizeof copy, copy);
  printf("flash_op %d %s\n", rc,
         memcmp(copy, (const void*)0x10000000, sizeof copy) == 0 ? "same" : "different");
  const cflash_flags_t no_level = {.flags = CFLASH_OP_VALUE_READ << CFLASH_OP_LSB};
  printf("no level %d", flash_op(no_level, 0x10000000, sizeof copy, copy));
  printf(" outside %d %d\n", flash_op(flags, 0x20000000, sizeof copy, copy), flash_op(flags, 0x10ffffe0, sizeof copy, copy));
  // Across the border of two windows, of which the second is mapped to the start of flash.
  const uint32_t second = qmi_hw->atrans[1];
  qmi_hw->atrans[1] = 0x04000000;
  const cflash_flags_t runtime = {.flags = flags.flags | CFLASH_ASPACE_VALUE_RUNTIME << CFLASH_ASPACE_LSB};
  const int split = flash_op(runtime, 0x103fffe0, sizeof copy, copy);
  printf("split %d %s\n", split, memcmp(copy + 32, (const void*)0x10000000, 32) == 0 ? "same" : "different");
  qmi_hw->atrans[1] = second;
  printf("secure call %p\n", rom_func_lookup(rom_table_code('S', 'C')));
  printf("unknown %p\n", rom_func_lookup(rom_table_code('?', '?')));
  const uint64_t first = get_rand_64();
  printf("random %s\n", first != get_rand_64() ? "differs" : "repeats");
  uint32_t boot[4];
  printf("boot random %d\n", rom_get_boot_random(boot) && (boot[0] | boot[1] | boot[2] | boot[3]) != 0);
  printf("done\n");
  while (true) __wfi();
}
