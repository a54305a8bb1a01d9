#pragma once
#include <atomic>

namespace pico_llama::simulate {

/// Installs handlers for SIGINT, SIGTERM and SIGHUP. The first signal sets the returned flag, so that the run
/// can end and write its reports; further ones have their previous effect. Ignored signals stay ignored.
const std::atomic<bool>& catch_end_signals();

/// The signal that was caught; 0: none.
int end_signal();

/// Terminates the process by this signal, so that its parent sees the correct status.
[[noreturn]] void end_by(int signal_number);

}  // namespace pico_llama::simulate
