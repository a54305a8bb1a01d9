// The virtual board for JavaScript: one board a program instance. Texts are UTF-8, ended by a 0; those that
// are returned belong to the program and are valid until the next call.
#include "web/wasm/board_api.h"

#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "tools/support/failure.h"

using namespace pico_llama;
using web::VirtualBoard;

namespace {

simulate::Options options;
std::unique_ptr<VirtualBoard> board;
std::string answer;

const char* text(std::string of) {
  answer = std::move(of);
  return answer.c_str();
}

}  // namespace

namespace pico_llama::web {
VirtualBoard& the_board() { return *board; }
}  // namespace pico_llama::web

/// Powers on a board with the images in `paths` (one a line). `kind`: 0 Pico Plus 2 W, 1 Pico 2. `script`:
/// commands of `simulate --script`, or empty for a user. Returns the error, or an empty text.
PICO_LLAMA_EXPORT(board_boot) const char* board_boot(const char* paths, int kind, const char* script) {
  try {
    board.reset();
    options = {};
    options.board.kind = kind == 1 ? simulator::BoardKind::kPico2 : simulator::BoardKind::kPicoPlus2W;
    for (const char* at = paths; *at != 0;) {
      const std::size_t length = std::strcspn(at, "\n");
      options.images.emplace_back(at, length);
      at += length + (at[length] == '\n');
    }
    options.has_script = *script != 0;
    for (const char* at = script; *at != 0;) {
      const std::size_t length = std::strcspn(at, "\n");
      if (length > 0) options.script.push_back(simulate::parse_step({at, length}));
      at += length + (at[length] == '\n');
    }
    board = std::make_unique<VirtualBoard>(options);
    return text("");
  } catch (const std::exception& error) {
    return text(error.what());
  }
}

/// Returns a VirtualBoard::State.
PICO_LLAMA_EXPORT(board_run) int board_run(int iterations) {
  return static_cast<int>(board->run(static_cast<std::uint64_t>(iterations)));
}
PICO_LLAMA_EXPORT(board_message) const char* board_message() { return board->message().c_str(); }
PICO_LLAMA_EXPORT(board_type) void board_type(const char* typed, int bytes) {
  board->type({typed, static_cast<std::size_t>(bytes)});
}
/// The board's output since the last call; board_output_bytes() of it, which may be in the middle of a
/// character.
PICO_LLAMA_EXPORT(board_output) const char* board_output() { return text(board->take_output()); }
PICO_LLAMA_EXPORT(board_output_bytes) int board_output_bytes() { return static_cast<int>(answer.size()); }
PICO_LLAMA_EXPORT(board_port_open) int board_port_open() { return board->port_open() ? 1 : 0; }
PICO_LLAMA_EXPORT(board_cycles) double board_cycles() { return static_cast<double>(board->board().now()); }
PICO_LLAMA_EXPORT(board_seconds) double board_seconds() {
  return static_cast<double>(board->board().time()) / static_cast<double>(simulator::kPicosecondsPerSecond);
}
PICO_LLAMA_EXPORT(board_clk_sys_hz) double board_clk_sys_hz() { return board->board().timebase.clk_sys_hz(); }
PICO_LLAMA_EXPORT(board_led) int board_led() { return board->board().led.lit() ? 1 : 0; }
PICO_LLAMA_EXPORT(board_button) void board_button(int pressed) { board->board().set_button(pressed != 0); }
PICO_LLAMA_EXPORT(board_reset) void board_reset() { board->board().reset(simulator::ResetKind::kRunPin); }
/// `simulate --stats`, as JSON.
PICO_LLAMA_EXPORT(board_stats) const char* board_stats() { return text(board->stats()); }
