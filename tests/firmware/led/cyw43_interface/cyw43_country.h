/* See cyw43.h beside this file. */
#pragma once
#define CYW43_COUNTRY(a, b, revision) ((unsigned char)(a) | (unsigned)(b) << 8 | (unsigned)(revision) << 16)
#define CYW43_COUNTRY_WORLDWIDE CYW43_COUNTRY('X', 'X', 0)
