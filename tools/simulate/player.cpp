#include "tools/simulate/player.h"

#include <fmt/format.h>

#include <cmath>

namespace pico_llama::simulate {

using simulator::Picoseconds;

// The console sends what it has after 10 ms: the rest of a line that is whole comes sooner than this.
constexpr Picoseconds kRestOfLine = simulator::kPicosecondsPerSecond / 50;

void Player::set_ready(bool ready, Picoseconds now) {
  ready_ = ready;
  advance(now);
}

void Player::printed(std::string_view text, Picoseconds now) {
  unread_ += text;
  advance(now);
  // Keep only the tail in which the next expected text could start.
  constexpr std::size_t kKept = 1 << 16;
  if (next_ == script_.size()) {
    unread_.clear();
  } else if (script_[next_].kind == Step::Kind::kExpect &&
             unread_.size() > 2 * kKept + script_[next_].text.size()) {
    unread_.erase(0, unread_.size() - kKept - script_[next_].text.size());
  }
}

void Player::set_bootsel(bool present, Picoseconds now) {
  bootsel_ = present;
  advance(now);
}

void Player::step_done(Picoseconds now) {
  waiting_ = false;
  advance(now);
}

namespace {
bool needs_port(const Step& step) {
  return step.kind == Step::Kind::kSend || step.kind == Step::Kind::kBaud ||
         step.kind == Step::Kind::kRequestBootsel || step.kind == Step::Kind::kRequestFlash;
}
}  // namespace

bool Player::waits_for_program() const {
  if (waiting_ || next_ == script_.size()) return false;
  const Step& step = script_[next_];
  return needs_port(step) || step.kind == Step::Kind::kExpect || step.kind == Step::Kind::kForever;
}

void Player::advance(Picoseconds now) {
  // A step may re-enter (unplugging changes the port's state); the outer loop handles it.
  if (advancing_) return;
  advancing_ = true;
  while (next_ < script_.size() && !waiting_) {
    const Step& step = script_[next_];
    if (step.kind == Step::Kind::kExpect) {
      const std::size_t at = unread_.find(step.text);
      if (at == std::string::npos) break;
      unread_.erase(0, at + step.text.size());
      line_begun_ = !step.text.ends_with('\n');
    } else if (step.kind == Step::Kind::kForever) {
      break;
    } else if (step.kind == Step::Kind::kBootsel) {
      if (!bootsel_) break;
    } else if (step.kind == Step::Kind::kWait) {
      waiting_ = true;
      const Picoseconds end =
          now + static_cast<Picoseconds>(
                    std::llround(step.seconds * static_cast<double>(simulator::kPicosecondsPerSecond)));
      events_.at_time(end, [this, end] {
        waiting_ = false;
        advance(end);
      });
    } else {
      if (needs_port(step) && !ready_) break;
      if (step.kind == Step::Kind::kDrag || step.kind == Step::Kind::kPicoboot) waiting_ = true;
      act_(step, now);
    }
    ++next_;
  }
  advancing_ = false;
  if (!done() || told_) return;
  if (line_begun_ && script_.back().kind == Step::Kind::kExpect && unread_.find('\n') == std::string::npos)
    return wait_for_line_end(now);
  finish();
}

void Player::finish() {
  events_.cancel(line_end_);
  told_ = true;
  finished_();
}

void Player::wait_for_line_end(Picoseconds now) {
  events_.cancel(line_end_);
  line_end_ = events_.at_time(now + kRestOfLine, [this] {
    line_end_ = 0;
    finish();
  });
}

std::string Player::waits_for() const {
  if (waiting_ && script_[next_ - 1].kind == Step::Kind::kDrag) return "the end of a drag";
  if (waiting_ && script_[next_ - 1].kind == Step::Kind::kPicoboot) return "the end of a picoboot command";
  if (waiting_) return "the end of a wait";
  if (next_ >= script_.size()) return "nothing";
  const Step& step = script_[next_];
  if (step.kind == Step::Kind::kExpect) return fmt::format("\"{}\"", step.text);
  if (step.kind == Step::Kind::kBootsel) return "BOOTSEL mode";
  return "the serial port";
}

}  // namespace pico_llama::simulate
