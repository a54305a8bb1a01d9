// The SHA-256 accelerator by processor and by DMA, on FIPS 180-4's messages.
#include <stdio.h>
#include <string.h>

#include "pico/sha256.h"
#include "pico/stdlib.h"

static void digest(const char* text, size_t repeats, bool by_dma) {
  pico_sha256_state_t state;
  sha256_result_t result;
  if (pico_sha256_start_blocking(&state, SHA256_BIG_ENDIAN, by_dma) != PICO_OK) printf("no start\n");
  for (size_t i = 0; i < repeats; ++i) pico_sha256_update_blocking(&state, (const uint8_t*)text, strlen(text));
  pico_sha256_finish(&state, &result);
  for (unsigned i = 0; i < 32; ++i) printf("%02x", result.bytes[i]);
  printf("\n");
}

int main(void) {
  stdio_init_all();
  digest("abc", 1, false);
  digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, true);
  digest("0123456701234567012345670123456701234567012345670123456701234567", 10, true);
  printf("done\n");
  while (true) tight_loop_contents();
}
