/// For what must not touch flash but runs once: SRAM is the model's, down to the last bytes, so such a
/// function lies in flash like all others and is copied for its one call to where the model will be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hardware/sync.h"

// From firmware/memmap.ld: the memory that will be the model's.
extern "C" std::byte __model_start__[];

namespace pico_llama::drivers {

/// A function for run_in_sram(): alone in its section, its constants behind it, all it calls inlined.
/// tests/firmware/board/check_elf.py checks in the linked image that no branch leaves it and that it is short
/// enough.
#define PICO_LLAMA_RUNS_IN_SRAM(name) __attribute__((noinline, noclone, section(".text.runs_in_sram." #name)))

/// Bytes that are copied: the longest such function and then some.
inline constexpr size_t kRunInSramBytes = 1024;

/// Calls `function` in SRAM. Requires: no model is loaded yet, core 1 does not run.
template <typename... Parameters, typename... Arguments>
void run_in_sram(void (*function)(Parameters...), Arguments&&... arguments) {
  const auto code = reinterpret_cast<uintptr_t>(function) & ~uintptr_t{1};
  const uintptr_t there = (reinterpret_cast<uintptr_t>(__model_start__) + 7) & ~uintptr_t{7};
  std::memcpy(reinterpret_cast<void*>(there), reinterpret_cast<const void*>(code), kRunInSramBytes);
  // Written as data, fetched as instructions.
  __dsb();
  __isb();
  reinterpret_cast<void (*)(Parameters...)>(there | 1)(arguments...);
}

}  // namespace pico_llama::drivers
