/// For functions that run once and must not fetch from flash. SRAM is reserved for the model down to the last
/// bytes, so such a function is stored in flash and copied for its one call to the model's future memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hardware/sync.h"

// From firmware/memmap.ld: the start of the model's memory.
extern "C" std::byte __model_start__[];

namespace pico_llama::drivers {

/// A function for run_in_sram(): in a separate section, followed by its constants, with all calls inlined.
/// tests/firmware/board/check_elf.py checks in the linked image that no branch leaves it and that it fits.
#define PICO_LLAMA_RUNS_IN_SRAM(name) __attribute__((noinline, noclone, section(".text.runs_in_sram." #name)))

/// Bytes that are copied: more than the longest such function.
inline constexpr size_t kRunInSramBytes = 1024;

/// Calls `function` in SRAM. Requires: no model is loaded yet, core 1 does not run.
template <typename... Parameters, typename... Arguments>
void run_in_sram(void (*function)(Parameters...), Arguments&&... arguments) {
  const auto code = reinterpret_cast<uintptr_t>(function) & ~uintptr_t{1};
  const uintptr_t copy = (reinterpret_cast<uintptr_t>(__model_start__) + 7) & ~uintptr_t{7};
  std::memcpy(reinterpret_cast<void*>(copy), reinterpret_cast<const void*>(code), kRunInSramBytes);
  // The copy was written as data and will be fetched as instructions.
  __dsb();
  __isb();
  reinterpret_cast<void (*)(Parameters...)>(copy | 1)(arguments...);
}

}  // namespace pico_llama::drivers
