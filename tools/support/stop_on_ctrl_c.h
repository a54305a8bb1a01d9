#pragma once

#include <atomic>
#include <csignal>

namespace pico_llama {

/// The exit code that a shell expects of a command ended by Ctrl-C.
inline constexpr int kExitInterrupted = 128 + SIGINT;

/// From now on the first Ctrl-C sets the flag this returns, so that a story can end after the token it is at;
/// a second one ends the program.
const std::atomic<bool>& stop_on_ctrl_c();

}  // namespace pico_llama
