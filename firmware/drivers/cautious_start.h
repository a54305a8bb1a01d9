/// Bring-up has only ever met chips as their datasheets describe them. Where the board at hand differs and a
/// step of it does not come back, the watchdog restarts the chip and that step is left out, until the power
/// was off: whatever happens, there is a console that says so.
#pragma once

#include <cstdint>

namespace pico_llama::drivers {

enum class Step : uint8_t { kNone, kClocks, kFlash, kPsram, kLed, kModel };

/// Whether to take a step; if so the watchdog runs until end_step().
bool begin_step(Step step);
void end_step();

/// What is left out, in words, the last of them where there are several; null when nothing is.
const char* left_out();

}  // namespace pico_llama::drivers
