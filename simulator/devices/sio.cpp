#include "simulator/devices/sio.h"

#include <fmt/format.h>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {
constexpr unsigned kSioIrqFifo = 25, kSioIrqBell = 26;
constexpr std::uint32_t kCpuid = 0x000, kGpioIn = 0x004, kGpioHiIn = 0x008, kGpioFirst = 0x010,
                        kGpioLast = 0x04c;
constexpr std::uint32_t kFifoSt = 0x050, kFifoWr = 0x054, kFifoRd = 0x058, kSpinlockSt = 0x05c;
constexpr std::uint32_t kInterp0 = 0x080, kInterp1 = 0x0c0, kSpinlock0 = 0x100, kSpinlockEnd = 0x180;
constexpr std::uint32_t kDoorbellOutSet = 0x180, kDoorbellOutClr = 0x184, kDoorbellInSet = 0x188,
                        kDoorbellInClr = 0x18c;
constexpr std::uint32_t kMtimerFirst = 0x1a4, kMtimerLast = 0x1bc;
constexpr std::uint64_t kPinMask = (std::uint64_t{1} << Gpio::kPins) - 1;

[[noreturn]] void stop(std::uint32_t offset, std::string_view what) {
  throw Stop(fmt::format("SIO offset {:#05x}: {}", offset, what));
}
}  // namespace

Sio::Sio(Gpio& gpio, Ticks& ticks, Timebase& timebase, EventQueue& events, InterruptLines& interrupts)
    : gpio_(gpio), ticks_(ticks), timebase_(timebase), events_(events), interrupts_(interrupts) {}

void Sio::reset() {
  for (Core& core : cores_) {
    events_.cancel(core.timer_event);
    core = Core{};
  }
  spinlocks_ = 0;
  mtime_ctrl_ = 0xd;
  set_gpio(0, 0);
  update_interrupts();
}

bool Sio::pop(unsigned core, std::uint32_t& value) {
  Core& me = cores_[core];
  const bool valid = !me.inbox.empty();
  if (valid) {
    value = me.inbox.front();
    me.inbox.pop_front();
  } else {
    me.read_on_empty = true;
  }
  update_interrupts();
  return valid;
}

void Sio::push(unsigned core, std::uint32_t value) {
  Core& other = cores_[1 - core];
  if (other.inbox.size() == kFifoDepth)
    cores_[core].write_on_full = true;
  else
    other.inbox.push_back(value);
  update_interrupts();
  if (core == 0 && core1_mailbox_) core1_mailbox_();
}

void Sio::drain(unsigned core) {
  cores_[core].inbox.clear();
  cores_[core].read_on_empty = false;
  update_interrupts();
}

void Sio::update_interrupts() {
  for (unsigned i = 0; i < 2; ++i) {
    const Core& core = cores_[i];
    interrupts_.set_for_core(i, kSioIrqFifo, !core.inbox.empty() || core.read_on_empty || core.write_on_full);
    interrupts_.set_for_core(i, kSioIrqBell, core.doorbells != 0);
  }
}

std::uint64_t Sio::gpio_in() const {
  // Above the 48 user pins: bit 59 is QSPI CSn; its data lines and the USB pins are not visible here.
  return gpio_.inputs() | (qspi_csn_ ? std::uint64_t{1} << 59 : 0);
}

void Sio::set_gpio(std::uint64_t out, std::uint64_t oe) {
  out_ = out;
  oe_ = oe;
  gpio_.set_sio(out & kPinMask, oe & kPinMask);
}

std::uint32_t Sio::gpio_word(bool high, std::uint64_t pins) const {
  return static_cast<std::uint32_t>(high ? pins >> 32 : pins);
}

void Sio::write_gpio(std::uint32_t offset, std::uint32_t value) {
  // OUT, OE: each as value, set, clear, xor; the low and the high pins in turn.
  const std::uint32_t place = (offset - kGpioFirst) / 4;
  const bool high = (place & 1) != 0;
  if (high && (value & 0xff000000) != 0) stop(offset, "driving QSPI or USB pins as GPIO is not modelled");
  const std::uint64_t bits = std::uint64_t{value} << (high ? 32 : 0);
  const std::uint64_t half = high ? ~std::uint64_t{0xffffffff} : 0xffffffff;
  std::uint64_t& target = place < 8 ? out_ : oe_;
  switch (place % 8 / 2) {
    case 0:
      target = (target & ~half) | bits;
      break;
    case 1:
      target |= bits;
      break;
    case 2:
      target &= ~bits;
      break;
    default:
      target ^= bits;
      break;
  }
  set_gpio(out_, oe_);
}

Reply Sio::read(std::uint32_t offset, const Access& access) {
  if (access.master == Master::kDma) return {0, 0, BusFault::kDenied};  // SIO is the cores' own
  // A debugger reads as core 0 without side effects: no FIFOs, spinlocks or POP.
  const bool debugger = access.master == Master::kDebugger;
  const unsigned number = access.master == Master::kCore1 ? 1 : 0;
  Core& core = cores_[number];
  if (!access.secure && offset != kCpuid) stop(offset, "read in Non-secure state: this bank is not modelled");
  if (offset >= kInterp0 && offset < kSpinlock0) {
    if (debugger) return {};
    Interpolator& interp = offset < kInterp1 ? core.interp0 : core.interp1;
    return {interp.read(offset % 0x40)};
  }
  if (offset >= kSpinlock0 && offset < kSpinlockEnd) {
    const std::uint32_t bit = 1U << (offset - kSpinlock0) / 4;
    if (debugger || (spinlocks_ & bit) != 0) return {0};
    spinlocks_ |= bit;
    return {bit};
  }
  if (offset >= kGpioFirst && offset <= kGpioLast) {
    const std::uint32_t place = (offset - kGpioFirst) / 4;
    return {place % 8 < 2 ? gpio_word((place & 1) != 0, place < 8 ? out_ : oe_) : 0};
  }
  if (offset >= kMtimerFirst && offset <= kMtimerLast) return read_mtimer(offset, number, access);
  switch (offset) {
    case kCpuid:
      return {number};
    case kGpioIn:
      return {gpio_word(false, gpio_in())};
    case kGpioHiIn:
      return {gpio_word(true, gpio_in())};
    case kFifoSt:
      return {(core.inbox.empty() ? 0U : 1U) | (cores_[1 - number].inbox.size() < kFifoDepth ? 2U : 0U) |
              (core.write_on_full ? 4U : 0U) | (core.read_on_empty ? 8U : 0U)};
    case kFifoRd: {
      std::uint32_t value = 0;
      if (!debugger) pop(number, value);
      return {value};
    }
    case kFifoWr:
      return {0};
    case kSpinlockSt:
      return {spinlocks_};
    case kDoorbellOutSet:
    case kDoorbellOutClr:
      return {cores_[1 - number].doorbells};
    case kDoorbellInSet:
    case kDoorbellInClr:
      return {core.doorbells};
    default:
      break;
  }
  if (debugger) return {};
  stop(offset, "read, not modelled");
}

Reply Sio::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (access.master == Master::kDma) return {0, 0, BusFault::kDenied};
  const unsigned number = access.master == Master::kCore1 ? 1 : 0;
  Core& core = cores_[number];
  if (!access.secure) stop(offset, "written in Non-secure state: this bank is not modelled");
  if (offset >= kInterp0 && offset < kSpinlock0) {
    (offset < kInterp1 ? core.interp0 : core.interp1).write(offset % 0x40, value);
    return {};
  }
  if (offset >= kGpioFirst && offset <= kGpioLast) {
    write_gpio(offset, value);
    return {};
  }
  // Erratum E2: writes above the spinlocks reach them too, and release.
  if (offset >= kSpinlock0) spinlocks_ &= ~(1U << (offset & 0x7f) / 4);
  if (offset >= kSpinlock0 && offset < kSpinlockEnd) return {};
  if (offset >= kMtimerFirst && offset <= kMtimerLast) {
    write_mtimer(offset, value, number, access);
    return {};
  }
  switch (offset) {
    case kFifoSt:
      core.write_on_full = core.read_on_empty = false;
      break;
    case kFifoWr:
      push(number, value);
      break;
    case kDoorbellOutSet:
      cores_[1 - number].doorbells |= value & 0xff;
      break;
    case kDoorbellOutClr:
      cores_[1 - number].doorbells &= ~value;
      break;
    case kDoorbellInSet:
      core.doorbells |= value & 0xff;
      break;
    case kDoorbellInClr:
      core.doorbells &= ~value;
      break;
    default:
      stop(offset, fmt::format("written with {:#010x}, not modelled", value));
  }
  update_interrupts();
  return {};
}

// --- the RISC-V platform timer (datasheet section 3.1.8), which Arm software may use as well ---------------

namespace {
constexpr unsigned kSioIrqMtimecmp = 29;
constexpr std::uint32_t kMtimeCtrl = 0x1a4, kMtime = 0x1b0, kMtimeh = 0x1b4, kMtimecmp = 0x1b8,
                        kMtimecmph = 0x1bc;
constexpr std::uint32_t kEnable = 1, kFullSpeed = 2;
}  // namespace

std::uint64_t Sio::mtime(Picoseconds time) const {
  return (mtime_ctrl_ & kEnable) == 0 ? mtime_base_ : mtime_base_ + ticks_.count_at(Ticks::kRiscv, time);
}

void Sio::update_mtimer(unsigned number, Picoseconds time) {
  Core& core = cores_[number];
  events_.cancel(core.timer_event);
  core.timer_event = 0;
  const bool reached = mtime(time) >= core.mtimecmp;
  interrupts_.set_for_core(number, kSioIrqMtimecmp, reached);
  if (reached || (mtime_ctrl_ & kEnable) == 0) return;
  const Picoseconds due = ticks_.time_of(Ticks::kRiscv, core.mtimecmp - mtime_base_);
  if (due == ~Picoseconds{0}) return;
  core.timer_event = events_.at_time(due, [this, number] {
    cores_[number].timer_event = 0;
    interrupts_.set_for_core(number, kSioIrqMtimecmp, true);
  });
}

Reply Sio::read_mtimer(std::uint32_t offset, unsigned number, const Access& access) {
  const std::uint64_t now = mtime(timebase_.time_at(access.now));
  const std::uint64_t compare = cores_[number].mtimecmp;
  switch (offset) {
    case kMtimeCtrl:
      return {mtime_ctrl_};
    case kMtime:
      return {static_cast<std::uint32_t>(now)};
    case kMtimeh:
      return {static_cast<std::uint32_t>(now >> 32)};
    case kMtimecmp:
      return {static_cast<std::uint32_t>(compare)};
    case kMtimecmph:
      return {static_cast<std::uint32_t>(compare >> 32)};
    default:
      throw Stop("SIO: read of an unknown register beside MTIME");
  }
}

void Sio::write_mtimer(std::uint32_t offset, std::uint32_t value, unsigned number, const Access& access) {
  const Picoseconds time = timebase_.time_at(access.now);
  std::uint64_t now = mtime(time);
  std::uint64_t& compare = cores_[number].mtimecmp;
  switch (offset) {
    case kMtimeCtrl:
      if ((value & kFullSpeed) != 0) throw Stop("SIO MTIME_CTRL.FULLSPEED is not modelled");
      mtime_ctrl_ = value & 0xf;
      break;
    case kMtime:
      now = (now & ~std::uint64_t{0xffffffff}) | value;
      break;
    case kMtimeh:
      now = (now & 0xffffffff) | std::uint64_t{value} << 32;
      break;
    case kMtimecmp:
      compare = (compare & ~std::uint64_t{0xffffffff}) | value;
      break;
    case kMtimecmph:
      compare = (compare & 0xffffffff) | std::uint64_t{value} << 32;
      break;
    default:
      throw Stop("SIO: write of an unknown register beside MTIME");
  }
  mtime_base_ = (mtime_ctrl_ & kEnable) == 0 ? now : now - ticks_.count_at(Ticks::kRiscv, time);
  update_mtimer(0, time);
  update_mtimer(1, time);
}

}  // namespace pico_llama::simulator
