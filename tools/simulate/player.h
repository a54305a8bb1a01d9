#pragma once
#include <functional>
#include <string>

#include "simulator/clock/event_queue.h"
#include "tools/simulate/script.h"

namespace pico_llama::simulate {

/// Runs a script against the board's output. Depends only on simulated time, so runs are reproducible.
class Player {
 public:
  /// Carries out one step that is not waiting: everything but kExpect, kWait, kBootsel, kForever. kDrag and
  /// kPicoboot are only begun: step_done() ends them.
  using Act = std::function<void(const Step&, simulator::Picoseconds now)>;

  Player(const Script& script, simulator::EventQueue& events, Act act, std::function<void()> finished)
      : script_(script), events_(events), act_(std::move(act)), finished_(std::move(finished)) {}

  /// Whether the port accepts input; called again after a reconnect.
  void set_ready(bool ready, simulator::Picoseconds now);
  void printed(std::string_view text, simulator::Picoseconds now);
  /// Whether a board in BOOTSEL mode can be seen.
  void set_bootsel(bool present, simulator::Picoseconds now);
  /// The kDrag or kPicoboot that was begun has ended.
  void step_done(simulator::Picoseconds now);
  /// True if the next step waits for a program on the board.
  bool waits_for_program() const;
  /// Executes steps until one has to wait.
  void advance(simulator::Picoseconds now);

  /// True if the script is waiting for the run's limit.
  bool waits_for_limit() const {
    return next_ < script_.size() && script_[next_].kind == Step::Kind::kForever;
  }
  /// All steps are done. `finished` is called later: after the line that contains the last expected text.
  bool done() const { return next_ == script_.size() && !waiting_; }
  /// Description of the awaited event, for the time-out message.
  std::string waits_for() const;

 private:
  void finish();
  void wait_for_line_end(simulator::Picoseconds now);

  const Script& script_;
  simulator::EventQueue& events_;
  Act act_;
  std::function<void()> finished_;
  std::size_t next_ = 0;
  bool ready_ = false;
  bool waiting_ = false;  ///< for the end of a kWait, kDrag or kPicoboot
  bool bootsel_ = false;
  bool advancing_ = false;
  bool told_ = false;
  bool line_begun_ = false;  ///< by the last expected text, at the script's end
  simulator::EventQueue::Id line_end_ = 0;
  std::string unread_;  ///< printed since the last match
};

}  // namespace pico_llama::simulate
