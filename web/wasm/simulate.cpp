// `simulate` with a script, or until a limit: a terminal needs the pauses of board_api.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "formats/output_file.h"
#include "tools/simulate/options.h"
#include "tools/support/failure.h"
#include "web/wasm/virtual_board.h"

namespace pico_llama::simulate {

bool uses_bootsel(const Options& options) {
  return !options.flashing.empty() ||
         std::any_of(options.script.begin(), options.script.end(), [](const Step& step) {
           return step.kind == Step::Kind::kDrag || step.kind == Step::Kind::kPicoboot;
         });
}

int run(const Options& options) {
  using web::VirtualBoard;
  if (options.pty || options.uart || options.gdb_port || !options.profile_path.empty() ||
      !options.led_path.empty() || !options.faults.empty() || !options.parts.empty())
    fail_usage(
        "simulate: --pty, --uart, --gdb, --profile, --led, --attach and faults at a time need the pico-llama "
        "of a PC");
  if (!options.has_script && !options.max_seconds && !options.max_cycles)
    fail_usage("simulate: give --send, --expect, --script or a limit");
  if (!options.stats_path.empty()) require_writable(options.stats_path, options.images);
  VirtualBoard board(options);
  VirtualBoard::State state = VirtualBoard::State::kRuns;
  while (state == VirtualBoard::State::kRuns) {
    state = board.run(std::uint64_t{1} << 16);
    const std::string text = board.take_output();
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  if (!options.stats_path.empty()) {
    OutputFile file(options.stats_path);
    file.write(board.stats());
    file.commit();
  }
  if (state == VirtualBoard::State::kEnded) return 0;
  fmt::print(stderr, "simulate: {}\n", board.message());
  return state == VirtualBoard::State::kLimit ? kExitLimit : kExitBoard;
}

}  // namespace pico_llama::simulate
