#include "simulator/devices/timer.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kTimehw = 0x00, kTimelw = 0x04, kTimehr = 0x08, kTimelr = 0x0c, kAlarm0 = 0x10;
constexpr std::uint32_t kArmed = 0x20, kTimerawh = 0x24, kTimerawl = 0x28, kPause = 0x30, kLocked = 0x34;
constexpr std::uint32_t kSource = 0x38, kIntr = 0x3c, kInte = 0x40, kIntf = 0x44, kInts = 0x48;
constexpr Register kRegisters[] = {
    {.offset = kTimehw, .name = "TIMEHW", .writable = ~0U},
    {.offset = kTimelw, .name = "TIMELW", .writable = ~0U},
    {.offset = kTimehr, .name = "TIMEHR", .ignored = ~0U},
    {.offset = kTimelr, .name = "TIMELR", .ignored = ~0U},
    {.offset = kAlarm0, .name = "ALARM", .writable = ~0U, .count = 4},
    {.offset = kArmed, .name = "ARMED", .ignored = 0xf},
    {.offset = kTimerawh, .name = "TIMERAWH", .ignored = ~0U},
    {.offset = kTimerawl, .name = "TIMERAWL", .ignored = ~0U},
    {.offset = 0x2c, .name = "DBGPAUSE", .reset = 7, .writable = 6},
    {.offset = kPause, .name = "PAUSE", .writable = 1},
    {.offset = kLocked, .name = "LOCKED", .writable = 1},
    {.offset = kSource, .name = "SOURCE"},  // counting clk_sys instead of ticks is not modelled
    {.offset = kIntr, .name = "INTR", .clear = 0xf},
    {.offset = kInte, .name = "INTE", .writable = 0xf},
    {.offset = kIntf, .name = "INTF", .writable = 0xf},
    {.offset = kInts, .name = "INTS", .ignored = 0xf},
};
}  // namespace

Timer::Timer(std::string name, unsigned first_irq, Ticks::Generator generator, Ticks& ticks,
             Timebase& timebase, EventQueue& events, InterruptLines& interrupts)
    : RegisterDevice(std::move(name), kRegisters),
      first_irq_(first_irq),
      generator_(generator),
      ticks_(ticks),
      timebase_(timebase),
      events_(events),
      interrupts_(interrupts) {
  ticks_.set_observer(generator_, [this] { reschedule(); });
}

void Timer::reset() {
  RegisterDevice::reset();
  for (unsigned i = 0; i < kAlarms; ++i) events_.cancel(events_of_alarms_[i]);
  armed_ = 0;
  latched_high_ = 0;
  // Held until the counter runs again: the next access after reset reads 0.
  paused_ = false;
  base_ = 0 - ticks_.count_at(generator_, last_seen_);
  update_interrupts();
}

std::uint64_t Timer::count_at(Picoseconds time) const {
  return paused_ ? paused_count_ : base_ + ticks_.count_at(generator_, time);
}

void Timer::set_count(std::uint64_t count, Picoseconds time) {
  paused_count_ = count;
  base_ = count - ticks_.count_at(generator_, time);
}

void Timer::schedule(unsigned alarm, Picoseconds not_before) {
  events_.cancel(events_of_alarms_[alarm]);
  events_of_alarms_[alarm] = 0;
  if ((armed_ >> alarm & 1U) == 0 || paused_) return;
  const std::uint64_t count = count_at(not_before);
  // An alarm matches the low word only; one that equals the present count fires at once.
  const std::uint32_t delta = stored(kAlarm0 + 4 * alarm) - static_cast<std::uint32_t>(count);
  const Picoseconds due = delta == 0 ? not_before : ticks_.time_of(generator_, count + delta - base_);
  if (due == ~Picoseconds{0}) return;
  events_of_alarms_[alarm] = events_.at_time(due, [this, alarm] { fire(alarm); });
}

void Timer::reschedule() {
  for (unsigned i = 0; i < kAlarms; ++i) schedule(i, last_seen_);
}

void Timer::fire(unsigned alarm) {
  events_of_alarms_[alarm] = 0;
  armed_ &= ~(1U << alarm);
  stored(kIntr) |= 1U << alarm;
  update_interrupts();
}

void Timer::update_interrupts() {
  const std::uint32_t active = (stored(kIntr) & stored(kInte)) | stored(kIntf);
  for (unsigned i = 0; i < kAlarms; ++i) interrupts_.set(first_irq_ + i, (active >> i & 1U) != 0);
}

std::uint32_t Timer::on_read(std::uint32_t offset, const Access& access) {
  last_seen_ = timebase_.time_at(access.now);
  const std::uint64_t count = count_at(last_seen_);
  switch (offset) {
    case kTimehw:
    case kTimelw:
      return 0;  // write-only
    case kTimelr:
      latched_high_ = static_cast<std::uint32_t>(count >> 32);
      return static_cast<std::uint32_t>(count);
    case kTimehr:
      return latched_high_;
    case kTimerawh:
      return static_cast<std::uint32_t>(count >> 32);
    case kTimerawl:
      return static_cast<std::uint32_t>(count);
    case kArmed:
      return armed_;
    case kInts:
      return (stored(kIntr) & stored(kInte)) | stored(kIntf);
    default:
      return stored(offset);
  }
}

void Timer::on_write(const Write& write, const Access& access) {
  last_seen_ = timebase_.time_at(access.now);
  const bool locked = (stored(kLocked) & 1) != 0;
  switch (write.offset) {
    case kLocked:
      stored(kLocked) |= write.old_value & 1;
      break;  // until the next reset
    case kTimehw:
      if (locked) break;
      // Section 12.8.3: write the low word first; the high word makes both count.
      set_count(std::uint64_t{stored(kTimehw)} << 32 | stored(kTimelw), last_seen_);
      reschedule();
      break;
    case kPause: {
      if (locked) break;
      const std::uint64_t count = count_at(last_seen_);
      paused_ = (stored(kPause) & 1) != 0;
      set_count(count, last_seen_);
      reschedule();
      break;
    }
    case kArmed:
      armed_ &= ~write.bits;  // writing a 1 disarms
      reschedule();
      break;
    case kIntr:
    case kInte:
    case kIntf:
      update_interrupts();
      break;
    default:
      if (write.offset >= kAlarm0 && write.offset < kArmed) {
        const unsigned alarm = (write.offset - kAlarm0) / 4;
        armed_ |= 1U << alarm;
        schedule(alarm, last_seen_);
      }
  }
}

}  // namespace pico_llama::simulator
