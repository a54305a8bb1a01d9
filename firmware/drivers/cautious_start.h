/// bring-up: skip and report a stage that hung. Bring-up has only been run on chips that behave as their
/// datasheets say. If a stage hangs or faults on a real board, the watchdog restarts the chip and later
/// starts skip that stage until the power is cycled, so that there is always a console to report it.
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
