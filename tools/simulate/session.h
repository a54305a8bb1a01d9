#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/board.h"
#include "simulator/debug/profiler.h"
#include "simulator/usb/host.h"
#include "tools/simulate/flashing.h"
#include "tools/simulate/idle_watch.h"
#include "tools/simulate/led_log.h"
#include "tools/simulate/options.h"
#include "tools/simulate/parts.h"
#include "tools/simulate/player.h"
#include "tools/simulate/port.h"

namespace pico_llama::simulate {

/// One run of the virtual board: loads images, connects a host, serves the port, writes reports.
class Session : private simulator::SerialProgram {
 public:
  /// Errors: throws Failure.
  explicit Session(const Options& options);
  ~Session() override;
  int run();

 private:
  using Picoseconds = simulator::Picoseconds;

  // SerialProgram: what the board sends over USB.
  std::size_t room() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;

  void type(std::string_view text, Picoseconds now);
  void act(const Step& step, Picoseconds now);
  void flash(const Step& step, Picoseconds now);
  void host_changed(Picoseconds now);
  /// The board is in BOOTSEL mode, and neither the script nor --drag or --picoboot will get it out.
  bool stuck_in_bootsel() const;
  void schedule_fault(const Fault& fault);
  /// Runs the board for `slice` of simulated time at most.
  simulator::RunResult run_board(Picoseconds slice);
  simulator::RunResult run_slice();
  void serve_port();
  void take_input(Picoseconds now);
  void feed_piped_input(Picoseconds now);
  bool all_input_is_done() const;
  void pace();
  void note_lag(double real_seconds, double simulated_seconds);
  void say_slow();
  void show(std::span<const std::uint8_t> bytes);
  int run_debugger();
  /// Exit code, or nullopt to continue.
  std::optional<int> after(const simulator::RunResult& result);
  void finish();
  bool at_limit() const;
  Picoseconds limit() const;

  const Options& options_;
  simulator::Board board_;
  Parts parts_{options_.parts, board_};
  simulator::UsbHost host_;
  std::unique_ptr<Port> port_;  ///< none while a script plays
  std::unique_ptr<Player> player_;
  std::unique_ptr<Player> flashing_player_;  ///< of Options::flashing; player_ begins when it has finished
  Flashing flashing_;
  bool flashing_failed_ = false;
  std::unique_ptr<simulator::Profiler> profilers_[2];
  std::unique_ptr<LedLog> led_log_;
  std::string elf_path_;
  bool finished_ = false;  ///< the script's end, the input's end, or the user left
  IdleWatch idle_{board_};
  const bool piped_;            ///< the port is standard input, which is not a terminal
  std::string piped_input_;     ///< read from standard input, not yet sent
  std::size_t piped_room_ = 0;  ///< bytes that may be sent before the board is idle again
  char last_typed_ = '\r';
  Picoseconds faults_end_ = 0;  ///< end of the last timed fault
  bool port_was_open_ = false;
  std::uint32_t baud_ = 115'200;
  Picoseconds uart_free_ = 0;

  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point pace_real_;
  Picoseconds pace_simulated_ = 0;
  // Elapsed while the simulator was slower than real time.
  bool slow_ = false;
  double slow_real_seconds_ = 0;
  double slow_simulated_seconds_ = 0;
  bool may_say_slow_ = false;
  bool line_begun_ = false;  ///< the board's output does not end with a line feed
};

}  // namespace pico_llama::simulate
