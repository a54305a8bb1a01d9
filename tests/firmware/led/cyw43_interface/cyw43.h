/* Just what the SDK's pico/cyw43_arch.h needs of the radio's driver, whose sources Debian does not package:
   enough to compile a file that uses that header, not to link one. Source: the names that pico/cyw43_arch.h
   uses. */
#pragma once
#include <stdint.h>

void cyw43_thread_enter(void);
void cyw43_thread_exit(void);
