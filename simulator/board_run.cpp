// The run loop: both cores in turn up to the next event, sleep and waking.
#include <fmt/format.h>

#include <algorithm>

#include "simulator/board.h"
#include "simulator/report.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

// Maximum difference between the cores' clocks. Smaller is more accurate, larger is faster.
constexpr Cycle kSlack = 32;

}  // namespace

RunResult Board::run(const RunLimits& limits) {
  stop_requested_ = false;
  running_ = true;
  bool time_is_up = limits.time <= time();
  EventQueue::Id timeout = 0;
  if (!time_is_up && limits.time != ~Picoseconds{0}) {
    timeout = events.at_time(limits.time, [&time_is_up] { time_is_up = true; });
  }
  RunResult result;
  std::uint64_t iterations = limits.iterations;
  try {
    while (true) {
      if (pending_reset_) {
        const ResetKind kind = *pending_reset_;
        pending_reset_.reset();
        if (on_reset) on_reset(kind);
        apply_reset(kind);
      }
      if (stop_requested_ || (interrupt != nullptr && interrupt->load(std::memory_order_relaxed))) {
        result.end = RunEnd::kRequest;
        break;
      }
      if (stop_in_bootsel && in_bootsel()) {
        result = {RunEnd::kBootsel, bootsel_reason()};
        break;
      }
      if (time_is_up || now() >= limits.cycle || iterations-- == 0) break;
      if (!step(limits.cycle)) {
        result = {RunEnd::kDeadlock, "both cores sleep and nothing is left that could wake them"};
        break;
      }
    }
  } catch (const Stop& stop) {
    runner_ = runner_ == nullptr ? &cores[0] : runner_;
    const std::uint32_t pc = runner_->reg(15);
    result = {RunEnd::kStop, fmt::format("{}\n  at pc {:#010x} in {} on core {}, cycle {}\n{}", stop.what(),
                                         pc, symbols.describe(pc), runner_ == &cores[1] ? 1 : 0,
                                         runner_->now(), describe_state())};
  }
  runner_ = nullptr;
  running_ = false;
  events.cancel(timeout);
  return result;
}

void Board::request_stop() {
  stop_requested_ = true;
  interrupt_runner();
}

std::string Board::describe_state() {
  std::string text = describe_core(cores[0], 0, symbols);
  if (core1_in_bootrom()) return text + "core 1 waits in the boot ROM for its entry point\n";
  return text + describe_core(cores[1], 1, symbols);
}

bool Board::step(Cycle limit) {
  const bool idle0 = cores[0].sleeping();
  const bool idle1 = core1_idle();
  if (idle0 && idle1) {
    const Cycle until = std::min(events.horizon(), limit);
    if (until == kNever) return false;
    cores[0].skip_to(std::max(cores[0].now(), until));
    cores[1].skip_to(std::max(cores[1].now(), until));
  } else if (idle0 || idle1) {
    // The other core runs freely up to the next event; waking the sleeper schedules one (see Waker).
    Core& awake = idle0 ? cores[1] : cores[0];
    Core& asleep = idle0 ? cores[0] : cores[1];
    if (awake.now() < std::min(events.horizon(), limit)) run_core(awake, limit);
    if (asleep.now() < awake.now() && (&asleep == &cores[1] ? core1_idle() : asleep.sleeping()))
      asleep.skip_to(awake.now());
  } else {
    const bool first = cores[0].now() <= cores[1].now();
    Core& behind = first ? cores[0] : cores[1];
    const Core& ahead = first ? cores[1] : cores[0];
    if (behind.now() < events.horizon()) run_core(behind, std::min(ahead.now() + kSlack, limit));
  }
  events.run_due(now());
  return true;
}

void Board::run_core(Core& core, Cycle limit) {
  runner_ = &core;
  core.run_until(limit);
  runner_ = nullptr;
  if (core.stopped_by_observer()) stop_requested_ = true;
}

void Board::interrupt_runner() {
  // An event that is due now: run_until() returns after this instruction.
  if (runner_ != nullptr) events.at_time(timebase.time_at(runner_->now()), [] {});
}

void Board::Waker::before(Core& core) {
  // A sleeping core's clock lags; it wakes at the waking core's time.
  was_sleeping_ = core.sleeping();
  if (was_sleeping_ && board_.runner_ != nullptr && board_.runner_ != &core) {
    core.skip_to(std::max(core.now(), board_.runner_->now()));
  }
}

void Board::Waker::after(Core& core) {
  if (was_sleeping_ && !core.sleeping() && board_.runner_ != &core) board_.interrupt_runner();
}

void Board::Waker::set_irq_lines(std::uint64_t levels) {
  Core& core = board_.cores[number_];
  before(core);
  core.set_irq_lines(levels);
  after(core);
}

void Board::Waker::send_event() {
  Core& core = board_.cores[number_];
  before(core);
  core.send_event();
  after(core);
}

}  // namespace pico_llama::simulator
