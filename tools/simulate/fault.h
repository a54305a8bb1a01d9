#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "simulator/board.h"

namespace pico_llama::simulate {

/// Something that happens to the board or around it, at a simulated time.
struct Fault {
  enum class Kind : std::uint8_t { kHostStalls, kUnplug, kNeverOpens, kButton, kRadioHangs, kPowerCut };
  Kind kind = Kind::kHostStalls;
  double at_seconds = 0;
  double for_seconds = 0;  ///< 0 for kUnplug: for good
};

/// Parses NAME, NAME@T or NAME@T+D (seconds since power-on, and how long). Faults of chips go into `board`,
/// others are appended to `timed`.
/// Errors: throws UsageFailure listing the known faults.
void parse_fault(std::string_view text, simulator::BoardFaults& board, std::vector<Fault>& timed);

/// One line each, for --help.
std::string fault_help();

/// A number of seconds, as all options take it. Errors: throws UsageFailure.
double parse_seconds(std::string_view text, std::string_view what);

}  // namespace pico_llama::simulate
