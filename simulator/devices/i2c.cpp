#include "simulator/devices/i2c.h"

#include <algorithm>
#include <string>

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kCon = 0x00, kTar = 0x04, kSar = 0x08, kDataCmd = 0x10, kSsHigh = 0x14, kSsLow = 0x18,
                        kFsHigh = 0x1c, kFsLow = 0x20, kIntrStat = 0x2c, kIntrMask = 0x30, kRawStat = 0x34,
                        kRxTl = 0x38, kTxTl = 0x3c, kClrIntr = 0x40, kClrRxUnder = 0x44, kClrRxOver = 0x48,
                        kClrTxOver = 0x4c, kClrRdReq = 0x50, kClrTxAbrt = 0x54, kClrRxDone = 0x58,
                        kClrActivity = 0x5c, kClrStopDet = 0x60, kClrStartDet = 0x64, kClrGenCall = 0x68,
                        kEnable = 0x6c, kStatus = 0x70, kTxflr = 0x74, kRxflr = 0x78, kSdaHold = 0x7c,
                        kAbortSource = 0x80, kDmaCr = 0x88, kEnableStatus = 0x9c, kSpikeLength = 0xa0,
                        kClrRestartDet = 0xa8;
// IC_RAW_INTR_STAT.
constexpr std::uint32_t kRxUnder = 1, kRxOver = 2, kRxFull = 4, kTxOver = 8, kTxEmpty = 0x10, kRdReq = 0x20,
                        kTxAbrt = 0x40, kRxDone = 0x80, kActivity = 0x100, kStopDet = 0x200,
                        kStartDet = 0x400, kGenCall = 0x800, kRestartDet = 0x1000;
// IC_DATA_CMD.
constexpr std::uint32_t kRead = 0x100, kStop = 0x200, kRestart = 0x400;
// IC_CON.
constexpr std::uint32_t kMaster = 1, kTenBits = 0x10, kRestartEnable = 0x20, kSlaveDisable = 0x40,
                        kTxEmptyCtrl = 0x100;
constexpr Register kRegisters[] = {
    {.offset = kCon, .name = "IC_CON", .reset = 0x65, .writable = 0x3ff, .ignored = ~0U},
    {.offset = kTar, .name = "IC_TAR", .reset = 0x55, .writable = 0xfff},
    {.offset = kSar, .name = "IC_SAR", .reset = 0x55, .writable = 0x3ff},
    {.offset = kDataCmd, .name = "IC_DATA_CMD", .ignored = ~0U},
    {.offset = kSsHigh, .name = "IC_SS_SCL_HCNT", .reset = 0x28, .writable = 0xffff},
    {.offset = kSsLow, .name = "IC_SS_SCL_LCNT", .reset = 0x2f, .writable = 0xffff},
    {.offset = kFsHigh, .name = "IC_FS_SCL_HCNT", .reset = 0x06, .writable = 0xffff},
    {.offset = kFsLow, .name = "IC_FS_SCL_LCNT", .reset = 0x0d, .writable = 0xffff},
    {.offset = kIntrStat, .name = "IC_INTR_STAT", .ignored = ~0U},
    {.offset = kIntrMask, .name = "IC_INTR_MASK", .reset = 0x8ff, .writable = 0x1fff},
    {.offset = kRawStat, .name = "IC_RAW_INTR_STAT", .ignored = ~0U},
    {.offset = kRxTl, .name = "IC_RX_TL", .writable = 0xff},
    {.offset = kTxTl, .name = "IC_TX_TL", .writable = 0xff},
    {.offset = kClrIntr, .name = "IC_CLR_INTR", .ignored = ~0U},
    {.offset = kClrRxUnder, .name = "IC_CLR_RX_UNDER", .ignored = ~0U},
    {.offset = kClrRxOver, .name = "IC_CLR_RX_OVER", .ignored = ~0U},
    {.offset = kClrTxOver, .name = "IC_CLR_TX_OVER", .ignored = ~0U},
    {.offset = kClrRdReq, .name = "IC_CLR_RD_REQ", .ignored = ~0U},
    {.offset = kClrTxAbrt, .name = "IC_CLR_TX_ABRT", .ignored = ~0U},
    {.offset = kClrRxDone, .name = "IC_CLR_RX_DONE", .ignored = ~0U},
    {.offset = kClrActivity, .name = "IC_CLR_ACTIVITY", .ignored = ~0U},
    {.offset = kClrStopDet, .name = "IC_CLR_STOP_DET", .ignored = ~0U},
    {.offset = kClrStartDet, .name = "IC_CLR_START_DET", .ignored = ~0U},
    {.offset = kClrGenCall, .name = "IC_CLR_GEN_CALL", .ignored = ~0U},
    {.offset = kEnable, .name = "IC_ENABLE", .writable = 1},
    {.offset = kStatus, .name = "IC_STATUS", .ignored = ~0U},
    {.offset = kTxflr, .name = "IC_TXFLR", .ignored = ~0U},
    {.offset = kRxflr, .name = "IC_RXFLR", .ignored = ~0U},
    {.offset = kSdaHold, .name = "IC_SDA_HOLD", .reset = 1, .writable = 0xffffff},
    {.offset = kAbortSource, .name = "IC_TX_ABRT_SOURCE", .ignored = ~0U},
    {.offset = 0x84, .name = "IC_SLV_DATA_NACK_ONLY"},
    {.offset = kDmaCr, .name = "IC_DMA_CR", .writable = 3},
    {.offset = 0x8c, .name = "IC_DMA_TDLR", .writable = 0xf},
    {.offset = 0x90, .name = "IC_DMA_RDLR", .writable = 0xf},
    {.offset = 0x94, .name = "IC_SDA_SETUP", .reset = 0x64, .writable = 0xff},
    {.offset = 0x98, .name = "IC_ACK_GENERAL_CALL", .reset = 1, .writable = 1},
    {.offset = kEnableStatus, .name = "IC_ENABLE_STATUS", .ignored = ~0U},
    {.offset = kSpikeLength, .name = "IC_FS_SPKLEN", .reset = 7, .writable = 0xff},
    {.offset = kClrRestartDet, .name = "IC_CLR_RESTART_DET", .ignored = ~0U},
    {.offset = 0xf4, .name = "IC_COMP_PARAM_1"},
    {.offset = 0xf8, .name = "IC_COMP_VERSION", .reset = 0x3230312a},
    {.offset = 0xfc, .name = "IC_COMP_TYPE", .reset = 0x44570140},
};
constexpr std::size_t kFifoDepth = 16;
constexpr unsigned kFirstIrq = 36;
// Section 9.4: pins 4n, 4n + 1 are I2C0's SDA and SCL, the next two I2C1's.
constexpr std::uint64_t kSda0 = 0x111111111111;
}  // namespace

I2c::I2c(unsigned number, Gpio& gpio, EventQueue& events, InterruptLines& interrupts,
         std::function<Cycle()> now)
    : RegisterDevice("I2C" + std::to_string(number), kRegisters),
      number_(number),
      gpio_(gpio),
      events_(events),
      interrupts_(interrupts),
      now_(std::move(now)),
      sda_pins_(kSda0 << 2 * number),
      scl_pins_(kSda0 << (2 * number + 1)) {
  gpio_.add_observer(this);
}

void I2c::reset() {
  RegisterDevice::reset();
  events_.cancel(event_);
  event_ = 0;
  tx_.clear();
  rx_.clear();
  latched_ = abort_source_ = 0;
  step_ = Step::kIdle;
  command_pending_ = address_ = false;
  cycle_ = now_();
  set_lines(false, false);
  update_interrupts();
}

bool I2c::enabled() const { return (stored(kEnable) & 1) != 0; }

// Section 12.2.14.1: the logic adds to the programmed counts.
unsigned I2c::high_cycles() const {
  const std::uint32_t count = stored((stored(kCon) >> 1 & 3) == 1 ? kSsHigh : kFsHigh);
  return std::max(6U, count) + stored(kSpikeLength) + 7;
}
unsigned I2c::low_cycles() const {
  const std::uint32_t count = stored((stored(kCon) >> 1 & 3) == 1 ? kSsLow : kFsLow);
  return std::max(8U, count) + 1;
}

unsigned I2c::requests(bool tx) const {
  if (!enabled() || (stored(kDmaCr) & (tx ? 2U : 1U)) == 0) return 0;
  return static_cast<unsigned>(tx ? kFifoDepth - tx_.size() : rx_.size());
}

void I2c::set_lines(bool sda_low, bool scl_low) {
  sda_low_ = sda_low;
  scl_low_ = scl_low;
  const std::uint64_t low = (sda_low ? sda_pins_ : 0) | (scl_low ? scl_pins_ : 0);
  gpio_.set_output_of(Gpio::kFunctionI2c, sda_pins_ | scl_pins_, 0, low, cycle_);
}

/// A line as the peripheral sees it: high if every pin that is selected for it is.
bool I2c::line(std::uint64_t pins) const {
  const std::uint64_t selected = gpio_.selected(Gpio::kFunctionI2c) & pins;
  return (gpio_.inputs() & selected) == selected;
}

void I2c::at(Cycle cycle, void (I2c::*step)()) {
  event_ = events_.at_cycle(cycle, [this, cycle, step] {
    event_ = 0;
    cycle_ = cycle;
    (this->*step)();
    update_interrupts();
  });
}

void I2c::begin() {
  if (step_ != Step::kIdle || tx_.empty() || !enabled()) return;
  if ((stored(kCon) & kMaster) == 0) return abort(1U << 11);  // ABRT_MASTER_DIS
  if ((stored(kCon) & kTenBits) != 0) stop(kCon, "10-bit addresses are not modelled");
  if ((stored(kTar) & 0xc00) != 0) stop(kTar, "general call and START byte are not modelled");
  reading_ = (tx_.front() & kRead) != 0;
  address_ = true;
  step_ = Step::kStart;
  latched_ |= kActivity | kStartDet;
  set_lines(true, false);
  next_ = Next::kBit;
  bit_ = 0;
  shift_ = (stored(kTar) & 0x7f) << 1 | (reading_ ? 1 : 0);
  at(cycle_ + high_cycles(), &I2c::scl_falls);
}

void I2c::scl_falls() {
  step_ = Step::kLow;
  set_lines(sda_low_, true);
  const unsigned hold = std::min(stored(kSdaHold) & 0xffff, low_cycles() - 2);
  at(cycle_ + std::max(1U, hold), &I2c::sda_changes);
}

void I2c::sda_changes() {
  bool low = false;
  switch (next_) {
    case Next::kRestart:
      break;
    case Next::kStop:
      low = true;
      break;
    case Next::kBit:
      if (bit_ == 8) {
        // The acknowledge bit is the receiver's.
        if (reading_ && !address_) {
          if ((command_ & kStop) == 0 && tx_.empty()) {
            step_ = Step::kHold;  // whether it is acknowledged depends on the next command
            command_pending_ = false;
            return;
          }
          low = acknowledge();
        }
      } else if (address_ || !reading_) {
        low = (shift_ >> (7 - bit_) & 1) == 0;
      }
      break;
  }
  step_ = Step::kData;
  set_lines(low, true);
  const unsigned hold = std::max(1U, std::min(stored(kSdaHold) & 0xffff, low_cycles() - 2));
  at(cycle_ + low_cycles() - hold, &I2c::scl_released);
}

/// A byte that was read is acknowledged if another one is read after it.
bool I2c::acknowledge() {
  return (command_ & kStop) == 0 && !tx_.empty() && (tx_.front() & kRead) != 0 &&
         (tx_.front() & kRestart) == 0;
}

void I2c::scl_released() {
  step_ = Step::kRise;
  set_lines(sda_low_, false);
  if (step_ == Step::kRise && line(scl_pins_)) scl_rose();
}

void I2c::levels_changed(std::uint64_t) {
  if (step_ != Step::kRise || !line(scl_pins_)) return;
  cycle_ = std::max(cycle_, gpio_.change_cycle().value_or(now_()));
  scl_rose();
}

void I2c::scl_rose() {
  step_ = Step::kHigh;
  at(cycle_ + high_cycles(), &I2c::high_ends);
}

void I2c::high_ends() {
  switch (next_) {
    case Next::kRestart:
      latched_ |= kStartDet | kRestartDet;
      step_ = Step::kStart;
      set_lines(true, false);
      next_ = Next::kBit;
      bit_ = 0;
      at(cycle_ + high_cycles(), &I2c::scl_falls);
      return;
    case Next::kStop:
      latched_ |= kStopDet;
      set_lines(false, false);
      step_ = Step::kFree;
      at(cycle_ + low_cycles(), &I2c::bus_free);
      return;
    case Next::kBit:
      break;
  }
  const bool sda = line(sda_pins_);
  if (bit_ < 8) {
    if (!address_ && reading_) shift_ = shift_ << 1 | (sda ? 1 : 0);
    if (++bit_ == 8 && reading_ && !address_) received();
    return scl_falls();
  }
  // The acknowledge bit.
  if (address_ || !reading_) {
    if (sda) {
      abort(address_ ? 1 : 8);  // ABRT_7B_ADDR_NOACK, ABRT_TXDATA_NOACK
      next_ = Next::kStop;
      return scl_falls();
    }
  }
  byte_done();
  if (step_ != Step::kHold) scl_falls();
}

/// The byte is in the FIFO before it is acknowledged: software reads it before it writes the next command.
void I2c::received() {
  if (rx_.size() == kFifoDepth) {
    latched_ |= kRxOver;
    return;
  }
  rx_.push_back(static_cast<std::uint8_t>(shift_));
  if (requests(false) != 0) rx_dreq.raise(cycle_);
}

void I2c::byte_done() {
  if (address_) {
    address_ = false;
  } else {
    command_pending_ = false;
    if ((command_ & kStop) != 0) {
      next_ = Next::kStop;
      return;
    }
  }
  next_command();
}

/// Takes the next command from the FIFO; without one, the bus is held after SCL has fallen.
void I2c::next_command() {
  if (tx_.empty()) {
    if (!enabled()) {
      next_ = Next::kStop;
      return;
    }
    // SCL stays low; a later write of IC_DATA_CMD continues.
    set_lines(sda_low_, true);
    step_ = Step::kHold;
    next_ = Next::kBit;
    bit_ = 0;
    return;
  }
  const std::uint32_t command = tx_.front();
  const bool read = (command & kRead) != 0;
  const bool again = command_ != 0 && ((command & kRestart) != 0 || read != reading_);
  if (again) {
    reading_ = read;
    address_ = true;
    bit_ = 0;
    shift_ = (stored(kTar) & 0x7f) << 1 | (read ? 1 : 0);
    command_ = 0;
    next_ = (stored(kCon) & kRestartEnable) != 0 ? Next::kRestart : Next::kStop;
    return;
  }
  tx_.pop_front();
  if (requests(true) != 0) tx_dreq.raise(cycle_);
  command_ = command | 1U << 31;  // never 0: a command has been taken in this transfer
  command_pending_ = true;
  shift_ = read ? 0 : command & 0xff;
  bit_ = 0;
  next_ = Next::kBit;
}

void I2c::abort(std::uint32_t source) {
  abort_source_ = source | static_cast<std::uint32_t>(tx_.size()) << 23;
  latched_ |= kTxAbrt;
  tx_.clear();
  command_pending_ = address_ = false;
  if (requests(true) != 0) tx_dreq.raise(cycle_);
}

void I2c::bus_free() {
  step_ = Step::kIdle;
  command_ = 0;
  begin();
}

std::uint32_t I2c::raw() const {
  std::uint32_t value = latched_;
  if (active()) value |= kActivity;
  if (!enabled()) return value;
  if (rx_.size() > stored(kRxTl)) value |= kRxFull;
  const bool completed = (stored(kCon) & kTxEmptyCtrl) == 0 || !(command_pending_ || address_);
  if (tx_.size() <= stored(kTxTl) && completed) value |= kTxEmpty;
  return value;
}

void I2c::update_interrupts() { interrupts_.set(kFirstIrq + number_, (raw() & stored(kIntrMask)) != 0); }

std::uint32_t I2c::clear_on_read(std::uint32_t bits) {
  const std::uint32_t was = latched_ & bits;
  latched_ &= ~bits;
  if ((bits & kTxAbrt) != 0) abort_source_ = 0;
  update_interrupts();
  return was != 0 ? 1 : 0;
}

std::uint32_t I2c::on_read(std::uint32_t offset, const Access&) {
  switch (offset) {
    case kDataCmd: {
      if (rx_.empty()) {
        latched_ |= kRxUnder;
        update_interrupts();
        return 0;
      }
      const std::uint32_t value = rx_.front();
      rx_.pop_front();
      update_interrupts();
      return value;
    }
    case kIntrStat:
      return raw() & stored(kIntrMask);
    case kRawStat:
      return raw();
    case kClrIntr:
      return clear_on_read(0x1fff);
    case kClrRxUnder:
      return clear_on_read(kRxUnder);
    case kClrRxOver:
      return clear_on_read(kRxOver);
    case kClrTxOver:
      return clear_on_read(kTxOver);
    case kClrRdReq:
      return clear_on_read(kRdReq);
    case kClrTxAbrt:
      return clear_on_read(kTxAbrt);
    case kClrRxDone:
      return clear_on_read(kRxDone);
    case kClrActivity:
      return clear_on_read(kActivity);
    case kClrStopDet:
      return clear_on_read(kStopDet);
    case kClrStartDet:
      return clear_on_read(kStartDet);
    case kClrGenCall:
      return clear_on_read(kGenCall);
    case kClrRestartDet:
      return clear_on_read(kRestartDet);
    case kStatus:
      return (active() ? 0x21U : 0) | (tx_.size() < kFifoDepth ? 2U : 0) | (tx_.empty() ? 4U : 0) |
             (rx_.empty() ? 0 : 8U) | (rx_.size() == kFifoDepth ? 0x10U : 0);
    case kTxflr:
      return static_cast<std::uint32_t>(tx_.size());
    case kRxflr:
      return static_cast<std::uint32_t>(rx_.size());
    case kAbortSource:
      return abort_source_;
    case kEnableStatus:
      return enabled() || active() ? 1 : 0;
    default:
      return stored(offset);
  }
}

void I2c::on_write(const Write& write, const Access& access) {
  const std::uint32_t offset = write.offset;
  // Written only while the block is disabled.
  const bool configuration = offset == kCon || offset == kTar || offset == kSar ||
                             (offset >= kSsHigh && offset <= kFsLow) || offset == kSpikeLength;
  if (configuration && enabled()) {
    stored(offset) = write.old_value;
    return;
  }
  switch (offset) {
    case kDataCmd: {
      if (!enabled() || (latched_ & kTxAbrt) != 0) break;  // the FIFO is held in reset
      if (tx_.size() == kFifoDepth) {
        latched_ |= kTxOver;
        break;
      }
      tx_.push_back(write.bits & 0x7ff);
      if (step_ == Step::kHold) {
        cycle_ = std::max(cycle_, access.now);
        const bool before_acknowledge = bit_ == 8;
        step_ = Step::kLow;
        if (!before_acknowledge) next_command();
        at(cycle_ + low_cycles(), &I2c::sda_changes);
      } else if (step_ == Step::kIdle) {
        cycle_ = access.now;
        begin();
      }
      break;
    }
    case kEnable:
      if (enabled() && (stored(kCon) & kSlaveDisable) == 0) stop(kCon, "slave mode is not modelled");
      if (enabled()) {
        if (requests(true) != 0) tx_dreq.raise(access.now);
        break;
      }
      tx_.clear();
      rx_.clear();
      latched_ &= ~(kRxOver | kRxUnder | kTxOver);
      if (step_ == Step::kHold) {
        next_ = Next::kStop;
        step_ = Step::kLow;
        cycle_ = std::max(cycle_, access.now);
        at(cycle_ + low_cycles(), &I2c::sda_changes);
      }
      break;
    case kDmaCr:
      if (requests(true) != 0) tx_dreq.raise(access.now);
      if (requests(false) != 0) rx_dreq.raise(access.now);
      break;
    default:
      break;
  }
  update_interrupts();
}

}  // namespace pico_llama::simulator
