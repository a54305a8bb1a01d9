#include "simulator/cpu/systick.h"

#include "simulator/cpu/cpu.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kMask = 0x00ff'ffff;
constexpr std::uint32_t kTickint = 1u << 1, kCountflag = 1u << 16;
}  // namespace

void SysTick::reset() {
  cpu_.events.cancel(event_);
  event_ = 0;
  control_ = 0;
  count_flag_ = false;
  reload_ = value_ = 0;
}

std::uint64_t SysTick::elapsed() const {
  if (!enabled()) return 0;
  if (core_clock()) return cpu_.now - origin_cycle_;
  if (reference_ == 0) return 0;
  const Picoseconds now = cpu_.events.timebase().time_at(cpu_.now);
  return now > origin_time_ ? (now - origin_time_) / reference_ : 0;
}

std::uint32_t SysTick::value_now() const {
  const std::uint64_t ticks = elapsed();
  if (ticks <= value_) return static_cast<std::uint32_t>(value_ - ticks);
  if (reload_ == 0) return 0;
  // From 0 the next tick loads RELOAD: a period is RELOAD + 1 ticks.
  const std::uint64_t past = (ticks - value_ - 1) % (std::uint64_t{reload_} + 1);
  return static_cast<std::uint32_t>(reload_ - past);
}

void SysTick::rebase() {
  const std::uint64_t ticks = elapsed();
  const std::uint32_t value = value_now();
  // The part of a reference tick that has passed stays in origin_time_.
  if (!core_clock() && enabled() && reference_ != 0)
    origin_time_ += ticks * reference_;
  else
    origin_time_ = cpu_.events.timebase().time_at(cpu_.now);
  origin_cycle_ = cpu_.now;
  value_ = value;
}

void SysTick::schedule() {
  cpu_.events.cancel(event_);
  event_ = 0;
  if (!enabled()) return;
  std::uint64_t ticks = value_ != 0 ? value_ : reload_ != 0 ? std::uint64_t{reload_} + 1 : 0;
  if (ticks == 0) return;
  if (core_clock())
    event_ = cpu_.events.at_cycle(origin_cycle_ + ticks, [this] { reached_zero(); });
  else if (reference_ != 0)
    event_ = cpu_.events.at_time(origin_time_ + ticks * reference_, [this] { reached_zero(); });
}

void SysTick::reached_zero() {
  event_ = 0;
  // The event's moment, not the core's: a core may be ahead in its slice or asleep behind it.
  const std::uint64_t ticks = value_ != 0 ? value_ : std::uint64_t{reload_} + 1;
  origin_cycle_ += ticks;
  origin_time_ += ticks * reference_;
  value_ = 0;
  count_flag_ = true;
  if ((control_ & kTickint) != 0) cpu_.pend(exception::kSysTick);
  schedule();
}

std::uint32_t SysTick::read_csr() {
  const std::uint32_t result = control_ | (count_flag_ ? kCountflag : 0);
  count_flag_ = false;
  return result;
}

void SysTick::write_csr(std::uint32_t value) {
  rebase();
  const bool starts = !enabled() && (value & 1) != 0;
  control_ = value & 7;
  if (starts) {
    origin_cycle_ = cpu_.now;
    origin_time_ = cpu_.events.timebase().time_at(cpu_.now);
  }
  schedule();
}

void SysTick::write_rvr(std::uint32_t value) {
  rebase();
  reload_ = value & kMask;
  schedule();
}

std::uint32_t SysTick::read_cvr() { return value_now(); }

void SysTick::write_cvr() {
  rebase();
  value_ = 0;
  count_flag_ = false;
  schedule();
}

std::uint32_t SysTick::calib() const {
  return 0;
}  // reset value in hardware/regs/m33.h: a reference, no TENMS

void SysTick::set_reference(Picoseconds period) {
  if (period == reference_) return;
  rebase();
  reference_ = period;
  origin_time_ = cpu_.events.timebase().time_at(cpu_.now);
  schedule();
}

void SysTick::clock_changed() {
  if (enabled() && core_clock()) schedule();
}

}  // namespace pico_llama::simulator
