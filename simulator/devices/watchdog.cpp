#include "simulator/devices/watchdog.h"

#include <array>

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kTrigger = 1U << 31, kEnable = 1U << 30;
constexpr Register kRegisters[] = {
    {.offset = 0x0,
     .name = "CTRL",
     .reset = 0x07000000,
     .writable = 0x47000000,
     .ignored = kTrigger | 0xffffff},
    {.offset = 0x4, .name = "LOAD", .writable = 0xffffff, .ignored = 0xff000000},
    {.offset = 0x8, .name = "REASON", .ignored = 3},
    {.offset = 0xc, .name = "SCRATCH", .writable = ~0U, .count = 8},
};
}  // namespace

Watchdog::Watchdog(Ticks& ticks, Timebase& timebase, EventQueue& events)
    : RegisterDevice("WATCHDOG", kRegisters), ticks_(ticks), timebase_(timebase), events_(events) {
  ticks_.set_observer(Ticks::kWatchdog, [this] { schedule(last_seen_); });
}

void Watchdog::reset() {
  RegisterDevice::reset();
  events_.cancel(event_);
  event_ = 0;
  enabled_ = false;
  left_ = 0;
  reason_ = kNone;
}

void Watchdog::reset_by_watchdog(Reason reason) {
  std::array<std::uint32_t, 8> scratch{};
  for (unsigned i = 0; i < scratch.size(); ++i) scratch[i] = stored(kScratch0 + 4 * i);
  reset();
  for (unsigned i = 0; i < scratch.size(); ++i) stored(kScratch0 + 4 * i) = scratch[i];
  reason_ = reason;
}

std::uint32_t Watchdog::left_at(Picoseconds time) const {
  if (!enabled_) return left_;
  const std::uint64_t passed = ticks_.count_at(Ticks::kWatchdog, time) - counted_from_;
  return passed >= left_ ? 0 : left_ - static_cast<std::uint32_t>(passed);
}

void Watchdog::schedule(Picoseconds time) {
  left_ = left_at(time);
  counted_from_ = ticks_.count_at(Ticks::kWatchdog, time);
  enabled_ = (stored(kCtrl) & kEnable) != 0;
  events_.cancel(event_);
  event_ = 0;
  if (!enabled_) return;
  const Picoseconds due = ticks_.time_of(Ticks::kWatchdog, counted_from_ + left_);
  if (due == ~Picoseconds{0}) return;
  event_ = events_.at_time(due, [this] {
    event_ = 0;
    strike_(kTimer);
  });
}

std::uint32_t Watchdog::on_read(std::uint32_t offset, const Access& access) {
  last_seen_ = timebase_.time_at(access.now);
  if (offset == kCtrl) return stored(kCtrl) | left_at(last_seen_);
  if (offset == kReason) return reason_;
  if (offset == kLoad) return 0;  // write-only
  return stored(offset);
}

void Watchdog::on_write(const Write& write, const Access& access) {
  last_seen_ = timebase_.time_at(access.now);
  if (write.offset == kLoad) {
    left_ = stored(kLoad);
    counted_from_ = ticks_.count_at(Ticks::kWatchdog, last_seen_);
    schedule(last_seen_);
  } else if (write.offset == kCtrl) {
    if ((write.bits & kTrigger) != 0 && access.op != AtomicOp::kClear) {
      // The reset is the next event, not part of the store that triggers it.
      events_.cancel(event_);
      event_ = events_.at_time(last_seen_, [this] {
        event_ = 0;
        strike_(kForce);
      });
    } else {
      schedule(last_seen_);
    }
  }
}

}  // namespace pico_llama::simulator
