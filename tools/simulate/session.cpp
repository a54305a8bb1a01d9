#include "tools/simulate/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "formats/output_file.h"
#include "simulator/debug/board_target.h"
#include "simulator/debug/gdb_server.h"
#include "simulator/debug/profile_report.h"
#include "simulator/stop.h"
#include "tools/simulate/act.h"
#include "tools/simulate/end_signal.h"
#include "tools/simulate/images.h"
#include "tools/simulate/stats.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {

using namespace simulator;
using Clock = std::chrono::steady_clock;

namespace {

// Polling interval for the keyboard; imperceptible.
constexpr Picoseconds kInteractiveSlice = 2 * kPicosecondsPerSecond / 1000;
constexpr Picoseconds kScriptSlice = kPicosecondsPerSecond;
// Bytes typed ahead that wait in the host.
constexpr std::size_t kTypeAhead = 4096;
// Input that the board buffers during a story (docs/console.md).
constexpr std::size_t kBoardTypeAhead = 1024;
constexpr std::uint32_t kUartBaud = 115'200;

double seconds(Picoseconds time) {
  return static_cast<double>(time) / static_cast<double>(kPicosecondsPerSecond);
}

template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  std::fflush(stdout);
  fmt::print(stderr, "simulate: {}\n", fmt::format(format, std::forward<Args>(args)...));
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void write_file(const std::string& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

bool uses_bootsel(const Options& options) {
  return !options.flashing.empty() ||
         std::any_of(options.script.begin(), options.script.end(), [](const Step& step) {
           return step.kind == Step::Kind::kDrag || step.kind == Step::Kind::kPicoboot;
         });
}

int run(const Options& options) {
  if (!options.stats_path.empty()) require_writable(options.stats_path, options.images);
  if (!options.led_path.empty()) LedLog::check(options.led_path, options.images);
  if (!options.profile_path.empty()) {
    require_writable(options.profile_path, options.images);
    require_writable(options.profile_path + ".txt", options.images);
  }
  const int code = Session(options).run();
  if (end_signal() != 0) end_by(end_signal());
  return code;
}

Session::Session(const Options& options)
    : options_(options),
      board_(options.board),
      host_(board_.usb, board_.events),
      flashing_(host_, board_.events, [](const std::string& text) { say("{}", text); }),
      piped_(!options.has_script && !options.pty && isatty(STDIN_FILENO) == 0),
      may_say_slow_(isatty(STDERR_FILENO) != 0 && !piped_) {
  elf_path_ = load_images(board_, options_.images);
  board_.warn = [](std::string_view text) { say("{}", text); };

  board_.stop_in_bootsel = !uses_bootsel(options_);
  if (!options_.flashing.empty()) {
    flashing_player_ = std::make_unique<Player>(
        options_.flashing, board_.events, [this](const Step& step, Picoseconds now) { act(step, now); },
        [this] {
          if (player_ && options_.uart) player_->set_ready(true, board_.time());
          host_changed(board_.time());
        });
  }
  if (options_.has_script) {
    player_ = std::make_unique<Player>(
        options_.script, board_.events, [this](const Step& step, Picoseconds now) { act(step, now); },
        [this] {
          finished_ = true;
          board_.request_stop();
        });
  } else {
    std::string path;
    port_ = options_.pty ? open_pty(path) : open_terminal();
    // After the terminal's handlers, and before the first message: a script may signal us as soon as it sees
    // it.
    if (!options_.gdb_port) board_.interrupt = &catch_end_signals();
    if (options_.pty) say("serial port at {}", path);
    if (!options_.pty && !piped_) say("Ctrl-] leaves");
  }

  host_.set_program(this);
  host_.set_dtr(options_.dtr, 0);
  host_.set_state_observer([this](Picoseconds now) { host_changed(now); });
  if (options_.uart) {
    board_.set_uart_sink([this](unsigned uart, std::uint8_t byte) {
      if (uart == 0) receive({&byte, 1}, board_.time());
    });
  }
  const bool never_opens = std::any_of(options_.faults.begin(), options_.faults.end(),
                                       [](const Fault& f) { return f.kind == Fault::Kind::kNeverOpens; });
  if (!options_.pty && !options_.uart && !never_opens) host_.set_port_wanted(true, 0);
  for (const Fault& fault : options_.faults) schedule_fault(fault);
  if (!options_.led_path.empty()) {
    led_log_ = std::make_unique<LedLog>(options_.led_path);
    board_.led.set_observer([this](bool lit, Picoseconds at) { led_log_->changed(lit, at); });
  }
  if (!options_.profile_path.empty()) {
    for (unsigned c = 0; c < 2; ++c) {
      Core& core = board_.cores[c];
      profilers_[c] = std::make_unique<Profiler>([&core] { return core.reg(14); });
      core.set_observer(profilers_[c].get());
    }
  }
}

Session::~Session() {
  host_.set_state_observer(nullptr);
  for (unsigned c = 0; c < 2; ++c) board_.cores[c].set_observer(nullptr);
}

std::size_t Session::room() const { return port_ ? port_->room() : kTypeAhead; }

void Session::receive(std::span<const std::uint8_t> bytes, Picoseconds now) {
  idle_.traffic();
  if (!bytes.empty()) line_begun_ = bytes.back() != '\n';
  if (port_) return show(bytes);
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  std::fflush(stdout);
  player_->printed({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, now);
}

/// Shows output; a pending "slow" warning is printed after the next line feed.
void Session::show(std::span<const std::uint8_t> bytes) {
  const auto line_end = std::find(bytes.rbegin(), bytes.rend(), '\n');
  if (slow_ && may_say_slow_ && line_end != bytes.rend()) {
    const auto whole = static_cast<std::size_t>(bytes.rend() - line_end);
    port_->write(bytes.first(whole));
    port_->flush();
    say_slow();
    bytes = bytes.subspan(whole);
  }
  port_->write(bytes);
}

void Session::type(std::string_view text, Picoseconds now) {
  if (!options_.uart) return host_.send(bytes_of(text), now);
  for (const char c : text) {
    // 8N1: ten bit times a byte.
    uart_free_ = std::max(uart_free_, now) + 10 * kPicosecondsPerSecond / kUartBaud;
    board_.events.at_time(uart_free_, [this, c] { board_.uart_receive(0, static_cast<std::uint8_t>(c)); });
  }
}

void Session::host_changed(Picoseconds now) {
  if (host_.state() == UsbHost::State::kFailed) say("{}", host_.problem());
  flashing_.host_changed(now);
  if (!player_ || (flashing_player_ && !flashing_player_->done())) return;
  if (!options_.uart) player_->set_ready(host_.port_open(), now);
  if (!board_.stop_in_bootsel) player_->set_bootsel(flashing_.in_bootsel(), now);
}

/// Runs a BOOTSEL step; its player is resumed by step_done().
void Session::flash(const Step& step, Picoseconds now) {
  Player& player = flashing_player_ && !flashing_player_->done() ? *flashing_player_ : *player_;
  const auto done = [this, &player](const std::string& problem, Picoseconds at) {
    if (problem.empty()) return player.step_done(at);
    say("{}", problem);
    flashing_failed_ = true;
    board_.request_stop();
  };
  if (step.kind == Step::Kind::kDrag)
    flashing_.drag(step.text, now, done);
  else
    flashing_.picoboot(parse_picoboot(step.text), now, done);
}

bool Session::stuck_in_bootsel() const {
  const bool nobody_acts = !player_ || player_->waits_for_program();
  const bool unplugged =
      host_.state() == UsbHost::State::kUnplugged || host_.state() == UsbHost::State::kFailed;
  if (board_.in_bootsel() && unplugged)
    return board_.time() > faults_end_ && (flashing_.busy() || nobody_acts);
  if (!flashing_.in_bootsel() || flashing_.busy()) return false;
  if (flashing_player_ && !flashing_player_->done()) return false;
  return nobody_acts;
}

void Session::act(const Step& step, Picoseconds now) {
  switch (step.kind) {
    case Step::Kind::kSend:
      return type(step.text, now);
    case Step::Kind::kDrag:
    case Step::Kind::kPicoboot:
      return flash(step, now);
    case Step::Kind::kRequestBootsel:
    case Step::Kind::kRequestFlash: {
      const auto kind =
          step.kind == Step::Kind::kRequestFlash ? UsbHost::Reset::kFlash : UsbHost::Reset::kBootsel;
      if (!host_.request_reset(kind, now)) say("the device has no reset interface");
      return;
    }
    default:
      if (const std::string problem = simulate::act(step, board_, host_, now); !problem.empty())
        say("{}", problem);
  }
}

void Session::schedule_fault(const Fault& fault) {
  const Picoseconds at = picoseconds(fault.at_seconds);
  const Picoseconds end = at + picoseconds(fault.for_seconds);
  faults_end_ = std::max(faults_end_, end);
  EventQueue& events = board_.events;
  switch (fault.kind) {
    case Fault::Kind::kHostStalls:
      events.at_time(at, [this, at, end] { host_.stop_reading_until(end, at); });
      break;
    case Fault::Kind::kUnplug:
      events.at_time(at, [this, at] { host_.unplug(at); });
      if (end > at) events.at_time(end, [this, end] { host_.plug(end); });
      break;
    case Fault::Kind::kNeverOpens:
      break;
    case Fault::Kind::kButton:
      events.at_time(at, [this] { board_.set_button(true); });
      events.at_time(end, [this] { board_.set_button(false); });
      break;
    case Fault::Kind::kRadioHangs:
      events.at_time(at, [this] {
        if (board_.radio) board_.radio->hang_in_next_transfer();
      });
      break;
    case Fault::Kind::kPowerCut:
      events.at_time(at, [this] { board_.reset(ResetKind::kPowerOn); });
      break;
  }
}

Session::Picoseconds Session::limit() const {
  return options_.max_seconds ? picoseconds(*options_.max_seconds) : ~Picoseconds{0};
}

bool Session::at_limit() const {
  return board_.time() >= limit() || (options_.max_cycles && board_.now() >= *options_.max_cycles);
}

RunResult Session::run_board(Picoseconds slice) {
  RunLimits limits;
  limits.time = std::min(limit(), board_.time() + slice);
  if (options_.max_cycles) limits.cycle = *options_.max_cycles;
  return board_.run(limits);
}

/// A slice for the debugger and for interactive use: the board, then whoever is at the port.
RunResult Session::run_slice() {
  RunResult result = run_board(kInteractiveSlice);
  idle_.update();
  if (port_) serve_port();
  if (led_log_) led_log_->draw(board_.led, board_.time());
  if (port_ && options_.pace) pace();
  if (result.end == RunEnd::kLimit && at_limit()) result.end = RunEnd::kRequest;
  if (finished_) result.end = RunEnd::kRequest;
  return result;
}

void Session::serve_port() {
  const Picoseconds now = board_.time();
  if (options_.pty && !options_.uart) {
    const bool open = port_->open();
    if (open != port_was_open_) host_.set_port_wanted(open, now);
    port_was_open_ = open;
    const std::optional<std::uint32_t> baud = port_->baud();
    if (open && baud && *baud != baud_) {
      baud_ = *baud;
      host_.set_baud(baud_, now);
    }
  }
  if (port_->flush()) host_.room_changed(now);
  take_input(now);
  if (port_->user_quit()) finished_ = true;
  if (piped_ && all_input_is_done()) finished_ = true;
}

/// Input is read only as fast as the board accepts it; none is dropped.
void Session::take_input(Picoseconds now) {
  if (host_.unsent() >= kTypeAhead || !(options_.uart || host_.port_open())) return;
  if (piped_) return feed_piped_input(now);
  const std::string typed = port_->read();
  if (!typed.empty()) type(typed, now);
}

/// Sends no more between two idle periods than the board buffers during a story.
void Session::feed_piped_input(Picoseconds now) {
  if (idle_.idle()) piped_room_ = kBoardTypeAhead;
  if (piped_room_ == 0) return;
  if (piped_input_.size() < kBoardTypeAhead) piped_input_ += port_->read();
  const bool ended = piped_input_.empty() && port_->descriptor() < 0;
  const bool last_line_is_open = static_cast<unsigned char>(last_typed_) >= ' ';
  if (ended && last_line_is_open) piped_input_ = "\r";
  if (piped_input_.empty()) return;
  // Whole lines where possible: the board asks for the terminal's width if typing pauses within a line.
  std::size_t bytes = std::min(piped_input_.size(), piped_room_);
  if (bytes < piped_input_.size()) {
    const std::size_t line_end = piped_input_.find_last_of("\r\n", bytes - 1);
    if (line_end != std::string::npos) {
      bytes = line_end + 1;
    } else if (piped_room_ < kBoardTypeAhead) {
      piped_room_ = 0;
      return;
    }
  }
  const std::string typed = piped_input_.substr(0, bytes);
  piped_input_.erase(0, typed.size());
  piped_room_ -= typed.size();
  last_typed_ = typed.back();
  idle_.traffic();
  type(typed, now);
}

/// Standard input is at its end and the board is idle.
bool Session::all_input_is_done() const {
  const bool can_speak = options_.uart || host_.port_open();
  return port_->descriptor() < 0 && piped_input_.empty() && static_cast<unsigned char>(last_typed_) < ' ' &&
         host_.unsent() == 0 && can_speak && board_.time() > std::max(uart_free_, faults_end_) &&
         idle_.idle();
}

/// Sleeps until real time has caught up with simulated time, or somebody types.
void Session::pace() {
  const auto now = Clock::now();
  const std::chrono::duration<double> real = now - pace_real_;
  const double ahead = seconds(board_.time() - pace_simulated_) - real.count();
  if (ahead <= 0) {
    // Slower than real time: do not catch up later.
    note_lag(real.count(), ahead + real.count());
    pace_real_ = now;
    pace_simulated_ = board_.time();
    return;
  }
  const int milliseconds = static_cast<int>(std::min(ahead * 1000, 20.0));
  pollfd input{port_->descriptor(), POLLIN, 0};
  // A pseudo terminal that nobody has open is "ready" all the time.
  if (milliseconds > 0) poll(&input, port_->open() ? 1 : 0, milliseconds);
}

/// Notes whether the simulator is slower than real time.
void Session::note_lag(double real_seconds, double simulated_seconds) {
  slow_real_seconds_ += real_seconds;
  slow_simulated_seconds_ += simulated_seconds;
  constexpr double kLeastLost = 2;  // seconds
  const double lost = slow_real_seconds_ - slow_simulated_seconds_;
  const std::chrono::duration<double> all = Clock::now() - began_;
  if (lost >= kLeastLost && lost >= all.count() / 10) slow_ = true;
  if (slow_ && may_say_slow_ && !line_begun_) say_slow();
}

/// Once, between lines of output.
void Session::say_slow() {
  may_say_slow_ = false;
  say("slower than real time: a second of the board takes {:.1f} s here; the speeds it prints are its own",
      slow_real_seconds_ / std::max(slow_simulated_seconds_, 0.001));
}

std::optional<int> Session::after(const RunResult& result) {
  if (flashing_failed_) return kExitBoard;
  if (finished_ || end_signal() != 0) return 0;
  if (player_ && player_->done()) return 0;  // only the rest of a line is missing
  switch (result.end) {
    case RunEnd::kStop:
      say("{}", result.message);
      return kExitBoard;
    case RunEnd::kBootsel:
      if (player_) player_->set_bootsel(true, board_.time());
      if (finished_) return 0;
      say("the board is in BOOTSEL mode: {}", result.message);
      return kExitBoard;
    case RunEnd::kDeadlock:
      if (port_ && port_->descriptor() >= 0) {  // input may wake it
        pollfd input{port_->descriptor(), POLLIN, 0};
        poll(&input, port_->open() ? 1 : 0, 20);
        return std::nullopt;
      }
      say("both cores sleep and nothing will wake them{}",
          player_ ? "; the script waits for " + player_->waits_for() : "");
      return kExitBoard;
    case RunEnd::kLimit:
    case RunEnd::kRequest:
      break;
  }
  if (stuck_in_bootsel()) {
    if (flashing_player_ && !player_) return 0;  // that was all: nothing rebooted it
    say("the board is in BOOTSEL mode: {}", board_.bootsel_reason());
    return kExitBoard;
  }
  if (!at_limit()) return std::nullopt;
  if (!player_ || player_->waits_for_limit()) return 0;
  say("{:.6f} simulated seconds are over, and the script still waits for {}", seconds(board_.time()),
      player_->waits_for());
  return kExitLimit;
}

int Session::run_debugger() {
  say("gdb may connect: target remote :{}", *options_.gdb_port);
  const int socket = accept_gdb(*options_.gdb_port);
  BoardTarget target(board_, [this] { return run_slice(); });
  const GdbServer::End end = GdbServer(target).serve(socket);
  close(socket);
  return end == GdbServer::End::kKilled ? 1 : 0;
}

int Session::run() {
  began_ = pace_real_ = Clock::now();
  board_.reset(flashing_player_ ? ResetKind::kBootsel : ResetKind::kPowerOn);
  if (player_ && options_.uart && !flashing_player_) player_->set_ready(true, 0);
  if (flashing_player_)
    flashing_player_->advance(0);
  else if (player_)
    player_->advance(0);
  std::optional<int> code;
  if (options_.gdb_port && run_debugger() != 0) code = 0;
  if (board_.interrupt == nullptr) board_.interrupt = &catch_end_signals();
  while (!code) {
    if (port_) {
      RunResult result = run_slice();
      code = after(result);
    } else {
      code = after(run_board(kScriptSlice));
    }
  }
  finish();
  return *code;
}

void Session::finish() {
  const std::chrono::duration<double> real = Clock::now() - began_;
  if (led_log_) led_log_->finish();
  if (!options_.stats_path.empty()) {
    write_file(options_.stats_path, stats_json(board_, host_, options_.stats_real ? real.count() : -1));
  }
  if (profilers_[0]) {
    Profiler* const cores[] = {profilers_[0].get(), profilers_[1].get()};
    const SourceLines lines(elf_path_);
    const ProfileReport report(cores, board_.symbols, lines);
    write_file(options_.profile_path,
               report.callgrind(options_.images.empty() ? "flash" : options_.images.back()));
    write_file(options_.profile_path + ".txt", report.text(40));
  }
}

}  // namespace pico_llama::simulate
