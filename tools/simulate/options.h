#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulator/board.h"
#include "tools/simulate/fault.h"
#include "tools/simulate/parts.h"
#include "tools/simulate/script.h"

namespace pico_llama::simulate {

/// The parsed command line of `pico-llama simulate`.
struct Options {
  std::vector<std::string> images;
  simulator::BoardOptions board;
  std::vector<Fault> faults;  ///< those that happen at a time
  std::vector<Part> parts;    ///< on the board's pins

  /// What --drag and --picoboot ask for, before anything else; the board is then powered on with the BOOT
  /// button held.
  Script flashing;
  Script script;            ///< empty: the terminal, or --pty
  bool has_script = false;  ///< ends when the script ends
  bool pty = false;
  bool uart = false;  ///< the terminal is UART0 instead of USB
  bool dtr = true;    ///< the program that has the port open raises DTR
  bool pace = true;   ///< simulated time never runs ahead of real time (terminal and pty)

  std::optional<double> max_seconds;
  std::optional<std::uint64_t> max_cycles;
  std::string stats_path;
  bool stats_real = false;
  std::string profile_path;
  std::string led_path;  ///< a file, or "-" for this terminal
  std::optional<std::uint16_t> gdb_port;
};

/// Exit codes besides 0 and 2 (usage): documented in --help.
inline constexpr int kExitBoard = 1;  ///< the board stopped, is in BOOTSEL, or a file is refused
inline constexpr int kExitLimit = 3;  ///< --max-seconds or --max-cycles came before the script's end

/// Whether anything is flashed in BOOTSEL mode. Otherwise a run ends there.
bool uses_bootsel(const Options& options);

/// Runs it. Errors: throws Failure; returns the exit code otherwise.
int run(const Options& options);

}  // namespace pico_llama::simulate
