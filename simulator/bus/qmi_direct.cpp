#include "simulator/bus/qmi_direct.h"

#include <algorithm>

#include "simulator/stop.h"

namespace pico_llama::simulator {

unsigned QmiDirect::clkdiv() const {
  const unsigned value = (control_ >> 22) & 0xff;
  return value == 0 ? 256 : value;
}

void QmiDirect::reset(Cycle now) {
  for (unsigned select = 0; select < 2; ++select) {
    if (pins_.selected(select)) pins_.deselect(select, timebase_.time_at(now));
  }
  control_ = kReset;
  tx_.clear();
  rx_.clear();
  free_at_ = busy_until_ = now;
  auto_selected_ = false;
}

void QmiDirect::transfer(const Record& record, Cycle start) {
  const unsigned lanes = 1u << ((record.bits >> 16) & 3);
  if (lanes == 8) throw Stop("QMI: DIRECT_TX.IWIDTH 3 is not defined (12.14.6)");
  const unsigned bytes = (record.bits & (1u << 18)) != 0 ? 2 : 1;
  const bool drive = (record.bits & (1u << 19)) != 0;
  const bool push = (record.bits & (1u << 20)) == 0;
  const unsigned div = clkdiv();
  const Picoseconds begin = timebase_.time_at(start);
  if ((control_ & (kAuto0 | kAuto1)) != 0 && !auto_selected_) {
    for (unsigned select = 0; select < 2; ++select) {
      if ((control_ & (kAuto0 << select)) != 0 && !pins_.selected(select)) pins_.select(select, begin);
    }
    auto_selected_ = true;
  }
  const Picoseconds cycle = kPicosecondsPerSecond / timebase_.clk_sys_hz();
  pins_.set_clock(begin, div * cycle);
  const Sampling when = sampling(div, (control_ >> 30) & 3, cycle);
  std::uint32_t received = 0;
  for (unsigned i = 0; i < bytes; ++i) {  // the low byte goes first
    received |= static_cast<std::uint32_t>(
                    pins_.exchange(static_cast<std::uint8_t>(record.bits >> (8 * i)), lanes, drive, when))
                << (8 * i);
  }
  free_at_ = start + static_cast<Cycle>(8 * bytes / lanes) * div;
  busy_until_ = free_at_ + (div + 1) / 2;
  if (push) rx_.push_back({received, free_at_});
}

void QmiDirect::catch_up(Cycle now) {
  while (enabled() && !tx_.empty() && rx_.size() < kDepth) {
    const Cycle start = std::max(free_at_, tx_.front().pushed);
    if (start > now) return;
    if (auto_selected_ && start >= busy_until_) end_auto_select(busy_until_);
    const Record record = tx_.front();
    tx_.pop_front();
    transfer(record, start);
  }
  if (auto_selected_ && tx_.empty() && now >= busy_until_) end_auto_select(busy_until_);
}

void QmiDirect::end_auto_select(Cycle at) {
  for (unsigned select = 0; select < 2; ++select) {
    if (pins_.selected(select) && (control_ & (kAssert0 << select)) == 0)
      pins_.deselect(select, timebase_.time_at(at));
  }
  auto_selected_ = false;
}

void QmiDirect::set_selects(std::uint32_t old_control, Cycle now) {
  for (unsigned select = 0; select < 2; ++select) {
    const bool before = (old_control & (kAssert0 << select)) != 0;
    const bool after = (control_ & (kAssert0 << select)) != 0;
    if (before == after) continue;
    // Words that were queued before direct mode is enabled begin after this write.
    if ((old_control & kEnable) != 0 && busy(now))
      throw Stop("QMI: DIRECT_CSR.ASSERT_CSxN changed while BUSY: the transfer is cut (12.14.5)");
    if (after) {
      pins_.select(select, timebase_.time_at(now));
    } else {
      pins_.deselect(select, timebase_.time_at(now));
    }
  }
}

void QmiDirect::write_csr(AtomicOp op, std::uint32_t value, Cycle now, Cycle free_at) {
  catch_up(now);
  const std::uint32_t old_control = control_;
  control_ = apply(op, control_, value) & kWritable;
  if ((old_control & kEnable) == 0 && enabled()) {
    free_at_ = std::max(free_at_, free_at);
    busy_until_ = std::max(busy_until_, free_at);
  }
  if ((old_control & kEnable) != 0 && !enabled() && busy(now)) {
    throw Stop("QMI: direct mode switched off while BUSY: the transfer is cut (12.14.5)");
  }
  set_selects(old_control, now);
  catch_up(now);
}

std::uint32_t QmiDirect::read_csr(Cycle now) {
  catch_up(now);
  const unsigned rx = rx_level(now);
  const auto tx = static_cast<unsigned>(tx_.size());
  std::uint32_t value = control_ | rx << 18 | tx << 12;
  if (rx == kDepth) value |= 1u << 17;
  if (rx == 0) value |= 1u << 16;
  if (tx == 0) value |= 1u << 11;
  if (tx == kDepth) value |= 1u << 10;
  if (busy(now)) value |= kBusy;
  return value;
}

void QmiDirect::push(std::uint32_t record, Cycle now) {
  catch_up(now);
  if (tx_.size() == kDepth) throw Stop("QMI: DIRECT_TX written while TXFULL: the data is lost (12.14.6)");
  tx_.push_back({record & 0x1f'ffff, now});
  catch_up(now);
}

std::uint32_t QmiDirect::pop(Cycle now) {
  catch_up(now);
  if (rx_level(now) == 0) throw Stop("QMI: DIRECT_RX read while RXEMPTY: the value is undefined (12.14.6)");
  const bool was_full = rx_.size() == kDepth;
  const std::uint32_t value = rx_.front().value;
  rx_.pop_front();
  if (was_full) free_at_ = std::max(free_at_, now);  // a stalled transfer begins now
  catch_up(now);
  return value;
}

unsigned QmiDirect::tx_room(Cycle now) {
  catch_up(now);
  return kDepth - static_cast<unsigned>(tx_.size());
}

unsigned QmiDirect::rx_level(Cycle now) {
  unsigned level = 0;
  while (level < rx_.size() && rx_[level].ready <= now) ++level;
  return level;
}

}  // namespace pico_llama::simulator
