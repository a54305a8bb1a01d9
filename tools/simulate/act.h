#pragma once
#include <string>

#include "simulator/board.h"
#include "simulator/usb/host.h"
#include "tools/simulate/script.h"

namespace pico_llama::simulate {

/// Does what a step asks of the board, its cable and its port. Returns why it cannot be done, or "". Typing,
/// reset requests, flashing and waiting are the caller's; here they do nothing.
std::string act(const Step& step, simulator::Board& board, simulator::UsbHost& host,
                simulator::Picoseconds now);

}  // namespace pico_llama::simulate
