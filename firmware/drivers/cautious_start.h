/// Bring-up guard. If a stage hangs or faults, the watchdog restarts the chip, and later boots skip that
/// stage until a power cycle, so that a console can always report it. Needed because bring-up has only run on
/// simulated chips.
#pragma once

#include <cstdint>

namespace pico_llama::drivers {

enum class Stage : uint8_t { kNone, kClocks, kFlash, kPsram, kLed, kModel };

/// False if the stage is to be skipped; otherwise starts the watchdog, which runs until end_stage().
bool begin_stage(Stage stage);
void end_stage();

/// Name of the skipped stage for the banner (the last one if there are several); null if none is.
const char* skipped_stage();

}  // namespace pico_llama::drivers
