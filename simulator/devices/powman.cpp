#include "simulator/devices/powman.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kPassword = 0x5afe0000;
constexpr std::uint32_t kBadpasswd = 0x00, kVregCtrl = 0x04, kVregSts = 0x08, kVreg = 0x0c, kChipReset = 0x2c;
constexpr std::uint32_t kSetTime = 0x60, kReadUpper = 0x70, kReadLower = 0x74, kAlarmTime = 0x78,
                        kTimer = 0x88;
constexpr std::uint32_t kScratch0 = 0xb0, kIntr = 0xe0, kInte = 0xe4, kIntf = 0xe8, kInts = 0xec;
constexpr std::uint32_t kUnlock = 1U << 13, kDisableVoltageLimit = 1U << 8;
constexpr std::uint32_t kRun = 1U << 1, kClear = 1U << 2, kAlarmEnable = 1U << 4, kAlarm = 1U << 6;
constexpr std::uint32_t kUseLposc = 1U << 8, kUseXosc = 1U << 9;
constexpr std::uint32_t kTimerInterrupt = 1U << 1;
constexpr unsigned kPowmanIrqTimer = 45;
constexpr std::uint32_t kHadPor = 1U << 16, kHadRunLow = 1U << 18, kHadWatchdog = 1U << 28;

// The password stands in the upper half of a write and is not stored; scratch registers need none.
constexpr std::uint32_t kPasswordBits = 0xffff0000;
constexpr Register kRegisters[] = {
    {.offset = kBadpasswd, .name = "BADPASSWD", .clear = 1},
    {.offset = kVregCtrl, .name = "VREG_CTRL", .reset = 0x8050, .writable = 0xb170, .ignored = kPasswordBits},
    {.offset = kVregSts, .name = "VREG_STS", .reset = 0x10, .ignored = ~0U},
    {.offset = kVreg, .name = "VREG", .reset = 0xb0, .writable = 0x1f0, .ignored = kPasswordBits | 0x8000},
    {.offset = 0x10, .name = "VREG_LP_ENTRY", .reset = 0xb4, .writable = 0x1f6, .ignored = kPasswordBits},
    {.offset = 0x14, .name = "VREG_LP_EXIT", .reset = 0xb0, .writable = 0x1f6, .ignored = kPasswordBits},
    {.offset = 0x18, .name = "BOD_CTRL", .writable = 0x1000, .ignored = kPasswordBits},
    {.offset = 0x1c, .name = "BOD", .reset = 0xb1, .writable = 0x1f1, .ignored = kPasswordBits},
    {.offset = 0x28, .name = "LPOSC", .reset = 0x203},
    {.offset = kChipReset, .name = "CHIP_RESET", .ignored = kPasswordBits},
    {.offset = 0x30, .name = "WDSEL", .ignored = kPasswordBits},
    {.offset = 0x34,
     .name = "SEQ_CFG",
     .reset = 0x1011f0,
     .writable = 0x11f3,
     .ignored = kPasswordBits | 0x130000},
    {.offset = 0x38, .name = "STATE", .clear = 0x300, .ignored = kPasswordBits},
    {.offset = 0x50, .name = "LPOSC_FREQ_KHZ_INT", .reset = 0x20, .writable = 0x3f, .ignored = kPasswordBits},
    {.offset = 0x54,
     .name = "LPOSC_FREQ_KHZ_FRAC",
     .reset = 0xc49c,
     .writable = 0xffff,
     .ignored = kPasswordBits},
    {.offset = 0x58,
     .name = "XOSC_FREQ_KHZ_INT",
     .reset = 0x2ee0,
     .writable = 0xffff,
     .ignored = kPasswordBits},
    {.offset = 0x5c, .name = "XOSC_FREQ_KHZ_FRAC", .writable = 0xffff, .ignored = kPasswordBits},
    {.offset = kSetTime, .name = "SET_TIME", .writable = 0xffff, .ignored = kPasswordBits, .count = 4},
    {.offset = kReadUpper, .name = "READ_TIME_UPPER", .ignored = ~0U},
    {.offset = kReadLower, .name = "READ_TIME_LOWER", .ignored = ~0U},
    {.offset = kAlarmTime, .name = "ALARM_TIME", .writable = 0xffff, .ignored = kPasswordBits, .count = 4},
    {.offset = kTimer, .name = "TIMER", .writable = 0x33, .ignored = kPasswordBits | 0xf0344},
    {.offset = 0x8c, .name = "PWRUP", .reset = 0x3f, .count = 4},
    {.offset = 0xa8, .name = "BOOTDIS", .writable = 2, .clear = 1, .ignored = kPasswordBits},
    {.offset = kScratch0, .name = "SCRATCH", .writable = ~0U, .count = 8},
    {.offset = 0xd0, .name = "BOOT", .writable = ~0U, .count = 4},
    {.offset = kIntr, .name = "INTR", .clear = 1, .ignored = ~0U},
    {.offset = kInte, .name = "INTE", .writable = 0xf, .ignored = kPasswordBits},
    {.offset = kIntf, .name = "INTF", .writable = 0xf, .ignored = kPasswordBits},
    {.offset = kInts, .name = "INTS", .ignored = ~0U},
};
}  // namespace

Powman::Powman(Timebase& timebase, EventQueue& events, InterruptLines& interrupts)
    : RegisterDevice("POWMAN", kRegisters), timebase_(timebase), events_(events), interrupts_(interrupts) {}

void Powman::reset() {
  RegisterDevice::reset();
  events_.cancel(alarm_event_);
  running_ = alarm_ = false;
  origin_ms_ = 0;
  stored(kChipReset) = kHadPor;
  update_interrupts();
}

void Powman::note_watchdog_reset() { stored(kChipReset) = kHadWatchdog; }
void Powman::note_run_reset() { stored(kChipReset) = kHadRunLow; }

unsigned Powman::core_millivolts() const {
  // VREG.VSEL, section 6.4 list of registers: 50 mV a step from 0.55 V, larger steps above 1.40 V.
  constexpr unsigned kAbove[] = {1500, 1600, 1650, 1700, 1800, 1900, 2000,
                                 2350, 2500, 2650, 2800, 3000, 3150, 3300};
  const unsigned vsel = stored(kVreg) >> 4 & 31;
  return vsel <= 17 ? 550 + 50 * vsel : kAbove[vsel - 18];
}

std::uint64_t Powman::four_halves(std::uint32_t first) const {
  std::uint64_t value = 0;  // the most significant half comes first
  for (std::uint32_t i = 0; i < 4; ++i) value = value << 16 | stored(first + 4 * i);
  return value;
}

std::uint64_t Powman::count_at(Picoseconds time) const {
  return origin_ms_ + (running_ ? (time - origin_time_) / (kPicosecondsPerSecond / 1000) : 0);
}

void Powman::update_timer(Picoseconds time) {
  events_.cancel(alarm_event_);
  alarm_event_ = 0;
  if (!running_ || (stored(kTimer) & kAlarmEnable) == 0) return;
  const std::uint64_t target = four_halves(kAlarmTime);
  const std::uint64_t left = target > count_at(time) ? target - origin_ms_ : 0;
  const Picoseconds due = left == 0 ? time : origin_time_ + left * (kPicosecondsPerSecond / 1000);
  alarm_event_ = events_.at_time(due, [this] {
    alarm_event_ = 0;
    alarm_ = true;
    update_interrupts();
  });
}

void Powman::update_interrupts() {
  const std::uint32_t active = ((alarm_ ? kTimerInterrupt : 0) & stored(kInte)) | stored(kIntf);
  interrupts_.set(kPowmanIrqTimer, (active & kTimerInterrupt) != 0);
}

std::uint32_t Powman::on_read(std::uint32_t offset, const Access& access) {
  const std::uint64_t count = count_at(timebase_.time_at(access.now));
  switch (offset) {
    case kReadUpper:
      return static_cast<std::uint32_t>(count >> 32);
    case kReadLower:
      return static_cast<std::uint32_t>(count);
    case kTimer: {
      const std::uint32_t source = running_ ? ((stored(kTimer) & kUseLposc) != 0 ? 1U << 17 : 1U << 16) : 0;
      return (stored(kTimer) & ~(kUseLposc | kUseXosc)) | source | (alarm_ ? kAlarm : 0);
    }
    case kIntr:
      return alarm_ ? kTimerInterrupt : 0;
    case kInts:
      return ((alarm_ ? kTimerInterrupt : 0) & stored(kInte)) | stored(kIntf);
    default:
      return stored(offset);
  }
}

void Powman::on_write(const Write& write, const Access& access) {
  const Picoseconds time = timebase_.time_at(access.now);
  const bool protected_register = write.offset < kScratch0 || write.offset >= kIntr;
  if (protected_register && write.offset != kBadpasswd && (write.bits & kPasswordBits) != kPassword) {
    stored(write.offset) = write.old_value;  // refused (section 6.4)
    stored(kBadpasswd) = 1;
    return;
  }
  switch (write.offset) {
    case kVreg: {
      const unsigned vsel = stored(kVreg) >> 4 & 31;
      if ((stored(kVregCtrl) & kUnlock) == 0) {
        stored(kVreg) = write.old_value;  // section 6.3.3: locked after reset
      } else if (vsel > 15 && (stored(kVregCtrl) & kDisableVoltageLimit) == 0) {
        stored(kVreg) = (stored(kVreg) & ~0x1f0U) | 15U << 4;  // limited to 1.30 V
      }
      if (stored(kVreg) != write.old_value && voltage_changed_) voltage_changed_();
      break;
    }
    case kTimer: {
      const std::uint64_t count = (write.value & kClear) != 0 ? 0 : count_at(time);
      if ((write.bits & kAlarm) != 0) alarm_ = false;
      if ((write.value & kUseLposc) != 0) stored(kTimer) |= kUseLposc;
      if ((write.value & kUseXosc) != 0) stored(kTimer) &= ~kUseLposc;
      const bool run = (stored(kTimer) & kRun) != 0;
      origin_ms_ = run && !running_ && (write.value & kClear) == 0 ? four_halves(kSetTime) : count;
      if (run && running_) origin_ms_ = count;
      origin_time_ = time;
      running_ = run;
      update_timer(time);
      update_interrupts();
      break;
    }
    case kInte:
    case kIntf:
      update_interrupts();
      break;
    default:
      break;
  }
}

}  // namespace pico_llama::simulator
