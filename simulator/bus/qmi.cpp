#include "simulator/bus/qmi.h"

#include <algorithm>
#include <string>

#include "simulator/stop.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {
namespace {

// Offsets, masks and reset values: hardware/regs/qmi.h of the Pico SDK.
constexpr std::uint32_t kDirectCsr = 0x00, kDirectTx = 0x04, kDirectRx = 0x08, kM0Timing = 0x0c,
                        kM1Timing = 0x20, kAtrans0 = 0x34, kEnd = 0x54;
constexpr std::uint32_t kTimingMask = 0xf3ff'f7ff, kFormatMask = 0x1007'd3ff, kCommandMask = 0x0000'ffff,
                        kAtransMask = 0x07ff'0fff;
constexpr std::uint32_t kClockDivider = 0xff;
enum WindowRegister : unsigned {
  kTiming,
  kReadFormat,
  kReadCommand,
  kWriteFormat,
  kWriteCommand,
  kWindowRegisters
};
constexpr std::uint32_t kWindowReset[kWindowRegisters] = {0x4000'0004, 0x1000, 0xa003, 0x1000, 0xa002};
constexpr std::uint32_t kWindowMask[kWindowRegisters] = {kTimingMask, kFormatMask, kCommandMask, kFormatMask,
                                                         kCommandMask};

}  // namespace

Qmi::Qmi(const Timebase& timebase) : timebase_(timebase), direct_(timebase, pins_) { reset(0); }

void Qmi::reset(Cycle now) {
  if (active_) release(std::max(now, busy_until_));
  direct_.reset(now);
  for (unsigned window = 0; window < 2; ++window) {
    std::copy(std::begin(kWindowReset), std::end(kWindowReset),
              &registers_[(window == 0 ? kM0Timing : kM1Timing) / 4]);
    decode_window(window);
  }
  // Identity: each pane 4 MB from its own place.
  for (unsigned i = 0; i < 8; ++i) registers_[kAtrans0 / 4 + i] = 0x0400'0000 | 0x400 * (i & 3);
}

void Qmi::decode_window(unsigned window) {
  const std::uint32_t* r = &registers_[(window == 0 ? kM0Timing : kM1Timing) / 4];
  windows_[window] = {QmiTiming::decode(r[kTiming]), QmiFormat::decode(r[kReadFormat], r[kReadCommand]),
                      QmiFormat::decode(r[kWriteFormat], r[kWriteCommand])};
}

bool Qmi::translate(std::uint32_t address, bool translated, std::uint32_t& physical) const {
  physical = address & 0xff'ffff;
  if (!translated) return true;
  const std::uint32_t pane = registers_[kAtrans0 / 4 + ((address >> 22) & 7)];
  if (((address >> 12) & 0x3ff) >= (pane >> 16)) return false;
  physical = ((address & 0x3f'ffff) + ((pane & 0xfff) << 12)) & 0xff'ffff;
  return true;
}

Picoseconds Qmi::period(unsigned clkdiv) const {
  if (period_hz_ != timebase_.clk_sys_hz()) {
    period_hz_ = timebase_.clk_sys_hz();
    cycle_ps_ = kPicosecondsPerSecond / period_hz_;
  }
  return clkdiv * cycle_ps_;
}

// When chip select goes high if no further access follows.
Cycle Qmi::release_cycle() const {
  const QmiTiming& t = windows_[active_window_].timing;
  const Cycle earliest =
      busy_until_ + std::max(t.half_period(), timing::kQmiMinimumHold.cycles + t.select_hold);
  if (t.cooldown == 0 || page_end_) return earliest;
  Cycle at = busy_until_ + t.half_period() + t.cooldown;
  if (t.max_select != 0) at = std::min(at, selected_at_ + t.max_select);
  return std::max(at, earliest);
}

void Qmi::release(Cycle at) {
  pins_.deselect(active_window_, selected_time_ + (at - selected_at_) * period(1));
  active_ = false;
  deselected_at_ = at;
  deselected_window_ = active_window_;
}

Cycle Qmi::begin(unsigned window, bool writing, std::uint32_t physical, Cycle now) {
  const QmiTiming& t = windows_[window].timing;
  Cycle at = std::max(now, busy_until_);
  if (active_) {
    const Cycle releases = release_cycle();
    const bool limit = t.max_select != 0 && busy_until_ >= selected_at_ + t.max_select;
    const bool chains = window == active_window_ && writing == active_write_ && physical == next_address_ &&
                        t.cooldown != 0 && !page_end_ && !limit && at <= releases;
    if (chains) {
      ++counters_[window].chained;
      pins_.set_clock(selected_time_ + (at - selected_at_) * period(1), period(t.clkdiv));
      return at;
    }
    at += timing::kQmiSelect.cycles;
    const QmiTiming& last = windows_[active_window_].timing;
    const Cycle held = busy_until_ + last.half_period() + timing::kQmiMinimumHold.cycles + last.select_hold;
    release(std::min(std::max(held, at), releases));
  } else {
    at += timing::kQmiSelect.cycles;
  }
  const QmiTiming& last = windows_[deselected_window_].timing;
  const Cycle ready = deselected_at_ + last.half_period() + last.min_deselect;
  selected_at_ = std::max(at, ready);
  selected_time_ = time_at(selected_at_);
  active_ = true;
  active_window_ = window;
  active_write_ = writing;
  pins_.select(window, selected_time_);

  const QmiFormat& f = writing ? windows_[window].write : windows_[window].read;
  pins_.set_clock(selected_time_, period(t.clkdiv) * (f.dtr ? 2 : 1));
  if (f.prefix_bits != 0) pins_.send(f.prefix, f.prefix_bits, f.prefix_lanes);
  pins_.send(physical, 24, f.address_lanes, f.dtr);
  if (f.suffix_bits != 0) pins_.send(f.suffix, f.suffix_bits, f.suffix_lanes, f.dtr);
  if (f.dummy_bits != 0) pins_.dummy(f.dummy_bits, f.dummy_lanes);
  return selected_at_ + t.select_setup + static_cast<Cycle>(f.header_periods()) * t.clkdiv;
}

template <typename MoveData>
Qmi::Result Qmi::transfer(std::uint32_t address, bool translated, bool writing, unsigned size, Cycle now,
                          MoveData move_data) {
  const unsigned window = (address >> 24) & 1;
  std::uint32_t physical = 0;
  if (direct_.enabled() || !translate(address, translated, physical)) return {now, BusFault::kUnmapped, 0};
  if (direct_.asserts_select())
    throw Stop("QMI: XIP access while ASSERT_CSxN holds a chip select low (12.14.5)");
  const bool was_active = active_;
  const Cycle selected_before = selected_at_;
  const Cycle data = begin(window, writing, physical, now);
  const bool chained = was_active && selected_at_ == selected_before;
  const Window& w = windows_[window];
  const unsigned periods = (writing ? w.write : w.read).data_periods(size);
  const Cycle finished = data + static_cast<Cycle>(periods) * w.timing.clkdiv;
  Result result;
  result.done = finished + move_data(window, result);

  Counters& counters = counters_[window];
  counters.transfers += 1;
  counters.busy_cycles += finished - (chained ? data : selected_at_);
  (writing ? counters.bytes_written : counters.bytes_read) += size;
  busy_until_ = finished;
  next_address_ = physical + size;
  page_end_ = w.timing.page_break != 0 && next_address_ % w.timing.page_break == 0;
  return result;
}

Qmi::Result Qmi::read(std::uint32_t address, bool translated, std::uint8_t* bytes, unsigned size, Cycle now) {
  return transfer(address, translated, false, size, now, [&](unsigned window, Result& result) {
    const Window& w = windows_[window];
    const Sampling when = sampling(w.timing.clkdiv, w.timing.rxdelay, cycle_ps_, round_trips_[window]);
    pins_.receive(bytes, size, w.read.data_lanes, when, w.read.dtr, &result.defined);
    return timing::kQmiReadReturn.cycles + (w.timing.rxdelay + 1) / 2;
  });
}

Qmi::Result Qmi::write(std::uint32_t address, bool translated, const std::uint8_t* bytes, unsigned size,
                       Cycle now, std::uint8_t defined) {
  return transfer(address, translated, true, size, now, [&](unsigned window, Result&) {
    const Window& w = windows_[window];
    pins_.transmit(bytes, size, w.write.data_lanes, w.write.dtr, defined);
    return timing::kQmiWriteReturn.cycles;
  });
}

bool Qmi::peek(std::uint32_t address, bool translated, std::uint8_t* byte) const {
  std::uint32_t physical;
  const SpiChip* chip = pins_.chip((address >> 24) & 1);
  if (chip == nullptr || !translate(address, translated, physical)) return false;
  *byte = chip->peek(physical);
  return true;
}

Reply Qmi::read(std::uint32_t offset, const Access& access) {
  if (access.master == Master::kDebugger && offset <= kDirectRx) return {};
  switch (offset) {
    case kDirectCsr:
      return {.value = direct_.read_csr(access.now)};
    case kDirectTx:
      return {};
    case kDirectRx:
      return {.value = direct_.pop(access.now)};
    default:
      break;
  }
  if (offset >= kEnd) throw Stop("QMI: no register at offset " + std::to_string(offset));
  return {.value = registers_[offset / 4]};
}

// The memory-mapped transfer in progress finishes, and chip select goes high.
void Qmi::leave_memory_mapped(Cycle now) {
  if (active_) release(std::max(std::min(release_cycle(), now), busy_until_));
}

Reply Qmi::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  switch (offset) {
    case kDirectCsr:
      if (!direct_.enabled() && (apply(access.op, 0, value) & 0x0d) != 0) leave_memory_mapped(access.now);
      direct_.write_csr(access.op, value, access.now, std::max(access.now, deselected_at_));
      return {};
    case kDirectTx:
      direct_.push(value, access.now);
      return {};
    case kDirectRx:
      return {};
    default:
      break;
  }
  if (offset >= kEnd) throw Stop("QMI: no register at offset " + std::to_string(offset));
  const bool atrans = offset >= kAtrans0;
  const unsigned window = offset >= kM1Timing ? 1 : 0;
  const unsigned index = (offset - (window == 0 ? kM0Timing : kM1Timing)) / 4;
  std::uint32_t& reg = registers_[offset / 4];
  const std::uint32_t before = reg;
  reg = apply(access.op, reg, value) & (atrans ? kAtransMask : kWindowMask[index]);
  // In cooldown the chip select of the last transfer is still low.
  if (!atrans && index == kTiming && ((before ^ reg) & ~kClockDivider) != 0 && active_ &&
      release_cycle() > access.now) {
    throw Stop("QMI: M" + std::to_string(window) +
               "_TIMING changed in more than CLKDIV while a chip select is low: only when idle (12.14.6)");
  }
  if (!atrans) decode_window(window);
  return {};
}

}  // namespace pico_llama::simulator
