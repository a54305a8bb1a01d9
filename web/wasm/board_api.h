#pragma once
#include "web/wasm/virtual_board.h"

namespace pico_llama::web {

/// The program's board. Requires: board_boot() has succeeded.
VirtualBoard& the_board();

}  // namespace pico_llama::web

/// A function that JavaScript calls by this name.
#define PICO_LLAMA_EXPORT(name) extern "C" __attribute__((export_name(#name)))
