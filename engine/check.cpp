#include "engine/check.h"

namespace pico_llama {

// Weak, so that a program can report the location before it stops.
[[noreturn]] __attribute__((weak)) void check_failed(const char*, const char*, int) { __builtin_trap(); }

}  // namespace pico_llama
