// CHECK(condition): traps on a violated invariant, in every build.
#pragma once

namespace pico_llama {

/// Called when a CHECK fails. The default traps (an illegal instruction: SIGILL on a PC, a UsageFault on the
/// board). A program that can report more overrides it; the override must not return.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace pico_llama

#define CHECK(condition)                                               \
  do {                                                                 \
    if (!(condition)) [[unlikely]]                                     \
      ::pico_llama::check_failed(#condition, __FILE_NAME__, __LINE__); \
  } while (false)
