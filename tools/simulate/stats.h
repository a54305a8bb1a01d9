#pragma once
#include <string>

#include "simulator/board.h"
#include "simulator/usb/host.h"

namespace pico_llama::simulate {

/// The run in numbers, as JSON: the same run gives the same bytes. Only `real_seconds`, which is there when
/// it is not negative, tells of the computer that simulated.
std::string stats_json(simulator::Board& board, const simulator::UsbHost& host, double real_seconds);

}  // namespace pico_llama::simulate
