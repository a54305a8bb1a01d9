// SIO's RISC-V platform timer (datasheet section 3.1.8), which Arm software may use as well.
#include "simulator/devices/sio.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
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
