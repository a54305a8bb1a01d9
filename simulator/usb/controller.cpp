#include "simulator/usb/controller.h"

#include <fmt/format.h>

#include "simulator/stop.h"
#include "simulator/usb/registers.h"

namespace pico_llama::simulator {

using namespace usb_regs;

namespace {

constexpr unsigned kUsbctrlIrq = 14;  // SDK hardware/regs/intctrl.h
// USB 2.0 section 7.1.7.6: a device suspends after 3 ms without bus activity.
constexpr Picoseconds kSuspendAfter = 3 * UsbController::kFrame;
// SOF_TIMESTAMP counts clk_usb, 48 MHz, in 21 bits.
constexpr Picoseconds kClkUsbHz = 48'000'000;
constexpr std::uint32_t kTimestampMask = 0x1f'ffff;

// SIE_STATUS bits that raise an interrupt of their own: {status, interrupt}.
constexpr std::uint32_t kStatusInterrupts[][2] = {
    {kTransComplete, kIntTransComplete},
    {kDataSeqError, kIntErrorDataSeq},
    {kRxTimeout, kIntErrorRxTimeout},
    {kRxOverflow, kIntErrorRxOverflow},
    {kBitStuffError, kIntErrorBitStuff},
    {kCrcError, kIntErrorCrc},
    {kStallRec, kIntStall},
    {kVbusDetected, kIntVbusDetect},
    {kBusReset, kIntBusReset},
    {kSuspended, kIntDevSuspend},
    {kResumeReceived, kIntDevResumeFromHost},
    {kSetupRec, kIntSetupReq},
    {kRxShortPacket, kIntRxShortPacket},
    {kEndpointError, kIntEndpointError},
};

std::uint32_t timestamp(Picoseconds now) {
  // 48 MHz is 3 ticks in 62500 ps.
  static_assert(kPicosecondsPerSecond * 3 / kClkUsbHz == 62'500);
  return static_cast<std::uint32_t>(now / 62'500 * 3 + now % 62'500 * 3 / 62'500) & kTimestampMask;
}

// Writable bits of the registers without side effects; 0 for offsets without such a register.
std::uint32_t writable(std::uint32_t offset) {
  switch (offset) {
    case kAddrEndp:
      return 0x000f'007f;
    case kMainCtrl:
      return 0x8000'0007;
    case kSieCtrl:
      return 0xff0f'bf5f;
    case kIntEpCtrl:
      return 0x0000'fffe;
    case kEpAbort:
      return 0xffff'ffff;
    case kEpStallArm:
      return 0x0000'0003;
    case kNakPoll:
      return 0x07ff'03ff;
    case kUsbMuxing:
      return 0x8000'001f;
    case kUsbPwr:
      return 0x0000'003f;
    case kUsbphyDirect:
      return 0x0380'ff77;
    case kUsbphyDirectOverride:
      return 0x0007'9fff;
    case kUsbphyTrim:
      return 0x0000'1f1f;
    case kLinestateTuning:
      return 0x0000'0fff;
    case kInte:
      return 0x00ff'ffff;
    case kIntf:
      return 0x00ff'ffff;
    case kDevSmWatchdog:
      return 0x000f'ffff;
    default:
      return offset > kAddrEndp && offset <= kAddrEndp15 ? 0x060f'007f : 0;
  }
}

}  // namespace

UsbController::UsbController(EventQueue& events, const Timebase& timebase, InterruptLines& interrupts)
    : events_(events), timebase_(timebase), interrupts_(interrupts), dpram_(*this) {
  reset(0);
}

void UsbController::reset(Cycle now) {
  registers_.fill(0);
  registers_[kMainCtrl / 4] = kPhyIso;
  registers_[kSieCtrl / 4] = kPulldownEn;
  registers_[kNakPoll / 4] = 0x0010'0010;
  registers_[kUsbMuxing / 4] = kToPhy;
  registers_[kUsbphyTrim / 4] = 0x1f1f;
  registers_[kLinestateTuning / 4] = 0xf8;
  latched_status_ = buff_status_ = should_handle_ = abort_done_ = stall_nak_ = 0;
  queued_.fill(0);
  selected_.fill(0);
  connection_changed_ = was_connected_ = false;
  update(timebase_.time_at(now));
}

bool UsbController::vbus() const {
  // The RP2350's VBUS pin function is not wired on our boards: without the override the controller sees none.
  const std::uint32_t power = registers_[kUsbPwr / 4];
  return (power & kVbusDetectOverrideEn) != 0 && (power & kVbusDetect) != 0;
}

bool UsbController::pulled_up() const {
  const std::uint32_t main = registers_[kMainCtrl / 4];
  const std::uint32_t sie = registers_[kSieCtrl / 4];
  return (main & kControllerEn) != 0 && (main & kPhyIso) == 0 && (sie & kPullupEn) != 0 &&
         (sie & kTransceiverPd) == 0 && (registers_[kUsbMuxing / 4] & kToPhy) != 0 && vbus();
}

std::uint32_t UsbController::sie_status() const {
  std::uint32_t status = latched_status_;
  if (vbus()) status |= kVbusDetected;
  // [ASSUMED] "connected" means a powered bus with our pull-up on it; the datasheet gives one word.
  if (pulled_up()) status |= kConnected;
  if (pulled_up()) status |= 1u << kLineStateLsb;  // idle of a full-speed bus is J
  return status;
}

std::uint64_t UsbController::frame_at(Picoseconds now) const {
  if (!frames_ || now < first_sof_) return frame_origin_;
  return frame_origin_ + 1 + (now - first_sof_) / kFrame;
}

std::uint32_t UsbController::raw_interrupts(Picoseconds now) const {
  std::uint32_t raw = 0;
  const std::uint32_t status = sie_status();
  for (const auto& [bit, interrupt] : kStatusInterrupts) {
    if ((status & bit) != 0) raw |= interrupt;
  }
  if (buff_status_ != 0) raw |= kIntBuffStatus;
  if (connection_changed_) raw |= kIntDevConnDis;
  if (abort_done_ != 0) raw |= kIntAbortDone;
  if (stall_nak_ != 0) raw |= kIntEpStallNak;
  if (frame_at(now) != frame_read_) raw |= kIntDevSof;
  return raw;
}

/// After any change: updates the interrupt line, notifies of the pull-up, schedules the event that SOF may
/// need.
void UsbController::update(Picoseconds now) {
  const bool connected = pulled_up();
  if (connected != was_connected_) connection_changed_ = true;
  was_connected_ = connected;

  const std::uint32_t raw = raw_interrupts(now);
  const std::uint32_t enabled = registers_[kInte / 4];
  interrupts_.set(kUsbctrlIrq, ((raw & enabled) | registers_[kIntf / 4]) != 0);

  // Frames are only counted, unless software wants an interrupt for the next one.
  events_.cancel(sof_event_);
  sof_event_ = 0;
  if (frames_ && (enabled & kIntDevSof) != 0 && (raw & kIntDevSof) == 0) {
    const Picoseconds next =
        now < first_sof_ ? first_sof_ : first_sof_ + ((now - first_sof_) / kFrame + 1) * kFrame;
    sof_event_ = events_.at_time(next, [this, next] { update(next); });
  }

  if (connected == was_pulled_up_) return;
  was_pulled_up_ = connected;
  if (connected) {
    schedule_suspend(now);
  } else {
    events_.cancel(suspend_event_);
    suspend_event_ = 0;
  }
  if (watcher_ != nullptr) watcher_->pull_up_changed(connected, now);
}

void UsbController::schedule_suspend(Picoseconds now) {
  events_.cancel(suspend_event_);
  const Picoseconds at = now + kSuspendAfter;
  suspend_event_ = events_.at_time(at, [this, at] {
    suspend_event_ = 0;
    latched_status_ |= kSuspended;
    update(at);
  });
}

void UsbController::set_plugged(bool plugged, Picoseconds now) {
  plugged_ = plugged;
  if (!plugged) stop_frames(now);
  update(now);
}

void UsbController::bus_reset(Picoseconds now) {
  if (!pulled_up()) return;
  frame_origin_ = frame_at(now);
  frames_ = false;
  events_.cancel(suspend_event_);
  suspend_event_ = 0;
  latched_status_ |= kBusReset;
  registers_[kAddrEndp / 4] = 0;
  update(now);
}

void UsbController::start_frames(Picoseconds first_sof) {
  events_.cancel(suspend_event_);
  suspend_event_ = 0;
  if ((latched_status_ & kSuspended) != 0) latched_status_ |= kResumeReceived;
  frames_ = true;
  first_sof_ = first_sof;
  update(first_sof > kFrame ? first_sof - 1 : first_sof);
}

void UsbController::stop_frames(Picoseconds now) {
  if (!frames_) return;
  frame_origin_ = frame_at(now);
  frames_ = false;
  if (pulled_up()) schedule_suspend(now);
  update(now);
}

Reply UsbController::read(std::uint32_t offset, const Access& access) {
  const Picoseconds now = time_of(access);
  const std::uint32_t enabled = registers_[kInte / 4];
  switch (offset) {
    case kSieStatus:
      return {.value = sie_status()};
    case kSofRd: {
      const std::uint64_t frame = frame_at(now);
      frame_read_ = frame;  // INTR.DEV_SOF is cleared by this read
      update(now);
      return {.value = static_cast<std::uint32_t>(frame & 0x7ff)};
    }
    case kBuffStatus:
      return {.value = buff_status_};
    case kBuffCpuShouldHandle:
      return {.value = should_handle_};
    case kEpAbortDone:
      return {.value = abort_done_};
    case kEpStatusStallNak:
      return {.value = stall_nak_};
    case kIntr:
      return {.value = raw_interrupts(now)};
    case kInts:
      return {.value = (raw_interrupts(now) & enabled) | registers_[kIntf / 4]};
    case kSofTimestampRaw:
      return {.value = timestamp(now)};
    case kSofTimestampLast: {
      const bool any = frames_ && now >= first_sof_;
      return {.value = any ? timestamp(first_sof_ + (now - first_sof_) / kFrame * kFrame) : 0};
    }
    case kEpTxError:
    case kEpRxError:
      return {};  // packets are never damaged here
    default:
      break;
  }
  if (writable(offset) == 0)
    throw Stop(fmt::format("USBCTRL: register {:#x} is read but not modelled", offset));
  return {.value = registers_[offset / 4]};
}

Reply UsbController::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  switch (offset) {
    case kSieStatus:
    case kBuffStatus:
    case kEpAbortDone:
    case kEpStatusStallNak:
      clear_written_ones(offset, value, access);
      break;
    case kEpTxError:
    case kEpRxError:
    case kSofRd:
    case kBuffCpuShouldHandle:
    case kIntr:
    case kInts:
      break;  // read-only, or counters that are 0 already
    default:
      write_register(offset, apply(access.op, registers_.at(offset / 4), value), access);
  }
  update(time_of(access));
  return {};
}

/// Write-clear fields (appendix A "WC"). The clear alias carries the same mask as a plain write.
void UsbController::clear_written_ones(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (access.op != AtomicOp::kWrite && access.op != AtomicOp::kClear) {
    throw Stop(fmt::format("USBCTRL: set or xor of the write-clear register {:#x} is not modelled", offset));
  }
  if (offset == kSieStatus) {
    latched_status_ &= ~value;
    if ((value & kConnected) != 0) connection_changed_ = false;
  } else if (offset == kEpAbortDone) {
    abort_done_ &= ~value;
  } else if (offset == kEpStatusStallNak) {
    stall_nak_ &= ~value;
  } else {
    buff_status_ &= ~value;
    // Section 12.7.3: two buffers may be complete; then the bit is set again at once.
    for (unsigned l = 0; l < 32; ++l) {
      if ((value >> l & 1) == 0) continue;
      should_handle_ &= ~(1u << l);
      if (queued_[l] == 0) continue;
      const unsigned buffer = queued_[l] - 1u;
      queued_[l] = 0;
      raise_buffer(l, buffer);
    }
  }
}

void UsbController::write_register(std::uint32_t offset, std::uint32_t value, const Access& access) {
  const std::uint32_t mask = writable(offset);
  if (mask == 0) throw Stop(fmt::format("USBCTRL: register {:#x} is written but not modelled", offset));
  if ((offset == kMainCtrl && (value & kHostNDevice) != 0) ||
      (offset == kSieCtrl && (value & kSieCtrlHostOrDirect) != 0)) {
    throw Stop("USBCTRL: host mode and direct control of the pins are not modelled");
  }
  if (offset == kSieCtrl && (value & kResume) != 0) throw Stop("USBCTRL: remote wake-up is not modelled");
  if (offset == kUsbphyDirectOverride && (value & mask) != 0) {
    throw Stop("USBCTRL: USBPHY_DIRECT_OVERRIDE is not modelled");
  }
  if (offset == kDevSmWatchdog && (value & (1u << 18)) != 0)
    throw Stop("USBCTRL: DEV_SM_WATCHDOG is not modelled");
  registers_[offset / 4] = value & mask;
  if (offset != kEpAbort) return;
  // Transactions are atomic here, so an endpoint is idle as soon as it is asked to be.
  abort_done_ |= value;
  for (unsigned l = 0; l < 32; ++l) {
    if (watcher_ != nullptr && ready(l / 2, l % 2 == 0))
      watcher_->endpoint_ready(l / 2, l % 2 == 0, time_of(access));
  }
}

}  // namespace pico_llama::simulator
