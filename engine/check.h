// CHECK(condition): our own bugs stop the machine at once, loudly, in every build.
#pragma once

namespace pico_llama {

/// Called when a CHECK fails. The default traps (an illegal instruction: SIGILL on a PC, a UsageFault on the
/// board). A program that can say more defines a handler of its own; it must not return.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace pico_llama

#define CHECK(condition)                                               \
  do {                                                                 \
    if (!(condition)) [[unlikely]]                                     \
      ::pico_llama::check_failed(#condition, __FILE_NAME__, __LINE__); \
  } while (false)
