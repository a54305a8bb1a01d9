#include "web/wasm/virtual_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/simulate/act.h"
#include "tools/simulate/images.h"
#include "tools/simulate/stats.h"
#include "tools/support/failure.h"

namespace pico_llama::web {

using namespace simulator;
using simulate::Step;

namespace {

// tools/simulate/session.cpp's: the limit of a run is an event of the board, so the same limits make the same
// run.
constexpr Picoseconds kSlice = kPicosecondsPerSecond;
// Bytes that the page may take late; then the board waits, as for a slow terminal.
constexpr std::size_t kOutputRoom = std::size_t{1} << 20;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

VirtualBoard::VirtualBoard(const simulate::Options& options)
    : options_(options), board_(options.board), host_(board_.usb, board_.events) {
  if (simulate::uses_bootsel(options))
    fail_usage("simulate: files are dragged and flashed by the pico-llama of a PC only");
  simulate::load_images(board_, options.images);
  board_.warn = [this](std::string_view text) { message_ = text; };
  if (options.has_script) {
    player_ = std::make_unique<simulate::Player>(
        options.script, board_.events, [this](const Step& step, Picoseconds now) { act(step, now); },
        [this] {
          finished_ = true;
          board_.request_stop();
        });
  }
  host_.set_program(this);
  host_.set_dtr(options.dtr, 0);
  host_.set_state_observer([this](Picoseconds now) {
    if (host_.state() == UsbHost::State::kFailed) message_ = host_.problem();
    if (player_) player_->set_ready(host_.port_open(), now);
  });
  host_.set_port_wanted(true, 0);
  board_.reset();
  if (player_) player_->advance(0);
}

VirtualBoard::~VirtualBoard() { host_.set_state_observer(nullptr); }

std::size_t VirtualBoard::room() const { return kOutputRoom - std::min(kOutputRoom, output_.size()); }

void VirtualBoard::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  output_ += text;
  if (player_) player_->printed(text, now);
}

void VirtualBoard::type(std::string_view text) { host_.send(bytes_of(text), board_.time()); }

void VirtualBoard::act(const Step& step, Picoseconds now) {
  switch (step.kind) {
    case Step::Kind::kSend:
      return host_.send(bytes_of(step.text), now);
    case Step::Kind::kRequestBootsel:
      host_.request_reset(UsbHost::Reset::kBootsel, now);
      return;
    case Step::Kind::kRequestFlash:
      host_.request_reset(UsbHost::Reset::kFlash, now);
      return;
    default:  // flashing: the constructor has refused it
      if (std::string problem = simulate::act(step, board_, host_, now); !problem.empty())
        message_ = std::move(problem);
  }
}

Picoseconds VirtualBoard::limit() const {
  return options_.max_seconds ? picoseconds(*options_.max_seconds) : ~Picoseconds{0};
}

VirtualBoard::State VirtualBoard::run(std::uint64_t iterations) {
  if (board_.time() >= slice_end_) slice_end_ = std::min(limit(), board_.time() + kSlice);
  RunLimits limits;
  limits.time = slice_end_;
  limits.iterations = iterations;
  if (options_.max_cycles) limits.cycle = *options_.max_cycles;
  return after(board_.run(limits));
}

VirtualBoard::State VirtualBoard::after(const RunResult& result) {
  const bool paused = result.end == RunEnd::kLimit && board_.time() < slice_end_;
  if (!script_over_ && player_ && (finished_ || (player_->done() && !paused))) {
    script_over_ = true;  // from now on a user types
    return State::kEnded;
  }
  switch (result.end) {
    case RunEnd::kStop:
      message_ = result.message;
      return State::kStopped;
    case RunEnd::kBootsel:
      if (player_) player_->set_bootsel(true, board_.time());
      if (finished_ && !script_over_) return State::kEnded;
      message_ = fmt::format("the board is in BOOTSEL mode: {}", result.message);
      return State::kBootsel;
    case RunEnd::kDeadlock:
      message_ = "both cores sleep and nothing will wake them";
      return State::kStopped;
    case RunEnd::kLimit:
    case RunEnd::kRequest:
      break;
  }
  const bool at_limit =
      board_.time() >= limit() || (options_.max_cycles && board_.now() >= *options_.max_cycles);
  if (!at_limit) return State::kRuns;
  if (!player_ || script_over_ || player_->waits_for_limit()) return State::kEnded;
  message_ = fmt::format("the run's limit is over, and the script still waits for {}", player_->waits_for());
  return State::kLimit;
}

std::string VirtualBoard::stats() { return simulate::stats_json(board_, host_, -1); }

}  // namespace pico_llama::web
