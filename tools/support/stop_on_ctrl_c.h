#pragma once

#include <atomic>
#include <csignal>

namespace pico_llama {

/// The exit code that a shell expects of a command ended by Ctrl-C.
inline constexpr int kExitInterrupted = 128 + SIGINT;

/// The first Ctrl-C sets the returned flag, so that a story can end after its current token; a second one
/// terminates the program.
const std::atomic<bool>& stop_on_ctrl_c();

}  // namespace pico_llama
