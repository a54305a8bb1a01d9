#pragma once
#include <string>

#include "simulator/board.h"
#include "simulator/usb/host.h"

namespace pico_llama::simulate {

/// Run statistics as JSON, identical for identical runs except `real_seconds`, which is included if not
/// negative.
std::string stats_json(simulator::Board& board, const simulator::UsbHost& host, double real_seconds);

}  // namespace pico_llama::simulate
