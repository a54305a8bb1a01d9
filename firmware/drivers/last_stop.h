/// The reason for the last restart, kept in memory that a restart does not clear.
#pragma once

#include "hal/board.h"

namespace pico_llama::drivers {

/// Records the reason and restarts the chip.
[[noreturn]] void stop_here(const char* what, const char* file, uint32_t line);

/// The recorded reason; reading it clears it.
hal::LastStop take_last_stop();

}  // namespace pico_llama::drivers
