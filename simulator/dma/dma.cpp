#include "simulator/dma/dma.h"

#include <algorithm>
#include <bit>
#include <string>

#include "simulator/stop.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {

namespace {

// hardware/regs/dma.h: 16 channels of 64 bytes (CH0_READ_ADDR and on), four interrupt lines, timers,
constexpr std::uint32_t kInterrupts = 0x400, kTimer0 = 0x440, kMultiChanTrigger = 0x450, kSniffCtrl = 0x454,
                        kSniffData = 0x458, kFifoLevels = 0x460, kChanAbort = 0x464, kNChannels = 0x468;
// SECCFG_CH0 to MPU_LAR7; CH0_DBG_CTDREQ and on (64 bytes a channel, too),
constexpr std::uint32_t kSecurity = 0x480, kSecurityEnd = 0x544, kDebug = 0x800, kDebugEnd = 0xc00;
// of an interrupt line,
constexpr std::uint32_t kIntr = 0x0, kInte = 0x4, kIntf = 0x8;
// and of a channel for debugging.
constexpr std::uint32_t kDbgCtdreq = 0x0, kDbgTcr = 0x4;
/// CHx_CTRL_TRIG and CHx_TRANS_COUNT.
constexpr std::uint32_t kEnable = 1u << 0, kHighPriority = 1u << 1, kIncrementRead = 1u << 4,
                        kReverseRead = 1u << 5, kIncrementWrite = 1u << 6, kReverseWrite = 1u << 7,
                        kRingWrite = 1u << 12, kQuiet = 1u << 23, kSwap = 1u << 24, kSniff = 1u << 25,
                        kBusy = 1u << 26, kWriteError = 1u << 29, kReadError = 1u << 30, kAnyError = 1u << 31;
constexpr std::uint32_t kControlWritable = 0x03ff'ffff;
constexpr unsigned kUnpaced = 63, kFirstTimer = 59;
constexpr std::uint32_t kCountMask = 0x0fff'ffff;
enum Mode : std::uint32_t { kNormal = 0, kTriggerSelf = 1, kEndless = 15 };

unsigned size_of(std::uint32_t control) { return 1u << ((control >> 2) & 3); }
unsigned request_of(std::uint32_t control) { return (control >> 17) & 63; }
unsigned chain_of(std::uint32_t control) { return (control >> 13) & 15; }
unsigned ring_of(std::uint32_t control) { return (control >> 8) & 15; }

}  // namespace

Dma::Dma(Bus& bus, EventQueue& events, InterruptLines& interrupts)
    : bus_(bus), events_(events), interrupts_(interrupts) {
  reset_security();
}

void Dma::reset() {
  events_.cancel(event_);
  event_ = 0;
  event_cycle_ = kNever;
  for (Channel& channel : channels_) {
    events_.cancel(channel.end_event);
    channel = {};
  }
  moving_ = high_ = 0;
  timers_ = {};
  sniffer_ = {};
  raw_interrupts_ = 0;
  enabled_ = forced_ = {};
  reset_security();
  read_free_ = write_free_ = 0;
  update_interrupts();
}

/// SECCFG_CHn, SECCFG_IRQn: Secure and privileged; SECCFG_MISC: all of it (section 12.6.10).
void Dma::reset_security() {
  security_ = {};
  constexpr std::size_t kMisc = 20;
  for (std::size_t i = 0; i < kMisc; ++i) security_[i] = 3;
  security_[kMisc] = 0x3ff;
}

void Dma::set_state(unsigned number, bool busy, bool ending) {
  channels_[number].busy = busy;
  channels_[number].ending = ending;
  const std::uint32_t bit = 1u << number;
  moving_ = busy && !ending ? moving_ | bit : moving_ & ~bit;
}

void Dma::null_trigger(unsigned number) {
  if ((channels_[number].control & kQuiet) == 0) return;
  raw_interrupts_ |= 1u << number;
  update_interrupts();
}

void Dma::trigger(unsigned number, Cycle now) {
  Channel& channel = channels_[number];
  if (channel.busy || (channel.control & kEnable) == 0 || (channel.control & (kReadError | kWriteError)) != 0)
    return;
  const std::uint32_t mode = channel.reload >> 28;
  if (mode != kNormal && mode != kTriggerSelf && mode != kEndless) {
    throw Stop("DMA: TRANS_COUNT.MODE " + std::to_string(mode) + " is reserved (12.6.2.2)");
  }
  channel.count = channel.reload & kCountMask;
  set_state(number, true, channel.ending);
  const unsigned request = request_of(channel.control);
  // 12.6.4.2: the credits count the FIFO's entries; no document says that an abort clears them.
  if (channel.stale_credits && request < kFirstTimer) {
    throw Stop("DMA: channel " + std::to_string(number) +
               " is restarted after an abort with stale DREQ credits: write its DBG_CTDREQ (12.6.4.2)");
  }
  if (request >= kFirstTimer && request < kUnpaced)
    channel.paced = timer_requests(request - kFirstTimer, now);
  const Cycle start = now + timing::kDmaStart.cycles;
  if (channel.count == 0) {
    finish(number, start);
  } else {
    wake(start);
  }
}

void Dma::abort(unsigned number) {
  Channel& channel = channels_[number];
  if (channel.busy && request_of(channel.control) < kFirstTimer) channel.stale_credits = true;
  events_.cancel(channel.end_event);
  channel.end_event = 0;
  set_state(number, false, false);
  channel.count = 0;
}

void Dma::dreq_raised(unsigned dreq, Cycle now) {
  for (std::uint32_t left = moving_; left != 0; left &= left - 1) {
    if (request_of(channels_[static_cast<unsigned>(std::countr_zero(left))].control) == dreq) {
      wake(now);
      return;
    }
  }
}

// At most one event is scheduled: the earliest cycle in which a channel may be ready.
void Dma::wake(Cycle at) {
  if (event_ != 0 && event_cycle_ <= at) return;
  events_.cancel(event_);
  event_cycle_ = at;
  event_ = events_.at_cycle(at, [this] { run(); });
}

std::uint64_t Dma::timer_requests(unsigned number, Cycle at) const {
  const Timer& timer = timers_[number];
  if (timer.x == 0 || timer.y == 0 || at < timer.since) return 0;
  // At most one request a cycle (12.6.8.1).
  return timer.x >= timer.y ? at - timer.since : (at - timer.since) * timer.x / timer.y;
}

/// Requires: `channel` is one of moving_.
bool Dma::ready(const Channel& channel, Cycle at) {
  if ((channel.control & kEnable) == 0) return false;
  const unsigned request = request_of(channel.control);
  if (request == kUnpaced) return true;
  if (request >= kFirstTimer) return timer_requests(request - kFirstTimer, at) > channel.paced;
  DreqSource* source = sources_[request];
  if (source == nullptr)
    throw Stop("DMA: DREQ " + std::to_string(request) + " is of a peripheral that is not modelled");
  return source->dreq_level(at) != 0;
}

Cycle Dma::next_ready(Cycle after) const {
  Cycle next = kNever;
  for (std::uint32_t left = moving_; left != 0; left &= left - 1) {
    const Channel& channel = channels_[static_cast<unsigned>(std::countr_zero(left))];
    if ((channel.control & kEnable) == 0) continue;
    const unsigned request = request_of(channel.control);
    if (request == kUnpaced) return after;
    if (request < kFirstTimer) continue;
    const Timer& timer = timers_[request - kFirstTimer];
    if (timer.x == 0 || timer.y == 0) continue;
    const std::uint64_t wanted = channel.paced + 1;
    const Cycle at = timer.since + (timer.x >= timer.y ? wanted : (wanted * timer.y + timer.x - 1) / timer.x);
    next = std::min(next, std::max(at, after));
  }
  return next;
}

// Round robin: the first from `next` on that is ready.
int Dma::pick(std::uint32_t candidates, unsigned& next, Cycle at) {
  const std::uint32_t from_next = candidates & ~0u << next;
  for (std::uint32_t part : {from_next, candidates & ~from_next}) {
    for (; part != 0; part &= part - 1) {
      const auto number = static_cast<unsigned>(std::countr_zero(part));
      if (!ready(channels_[number], at)) continue;
      next = (number + 1) % kChannels;
      return static_cast<int>(number);
    }
  }
  return -1;
}

// High priority first: in each round all of them, then a single low one (hardware/regs/dma.h, HIGH_PRIORITY).
int Dma::pick(Cycle at) {
  int number = pick(moving_ & high_ & ~served_high_, next_high_, at);
  if (number < 0) {
    served_high_ = 0;
    number = pick(moving_ & ~high_, next_low_, at);
    if (number >= 0) return number;
    number = pick(moving_ & high_, next_high_, at);
  }
  if (number >= 0) served_high_ |= 1u << number;
  return number;
}

void Dma::run() {
  const Cycle begin = event_cycle_;
  event_ = 0;
  event_cycle_ = kNever;
  Cycle at = std::max(begin, read_free_);
  while (at < begin + kBatchCycles) {
    const int number = pick(at);
    if (number < 0) {
      const Cycle next = next_ready(at + 1);
      if (next != kNever) wake(next);
      return;
    }
    transfer(static_cast<unsigned>(number), at);
    at = std::max(at + 1, read_free_);
  }
  if (next_ready(at) != kNever) {
    wake(at);
    return;
  }
  for (std::uint32_t left = moving_; left != 0; left &= left - 1) {
    if (ready(channels_[static_cast<unsigned>(std::countr_zero(left))], at)) wake(at);
  }
}

std::uint32_t Dma::advance(std::uint32_t address, unsigned size, bool increment, bool reverse,
                           unsigned ring_bits) {
  // 12.6.2.1: by -1, 0, 1 or 2 transfers.
  std::uint32_t step = 0;
  if (increment) {
    step = reverse ? 0u - size : size;
  } else if (reverse) {
    step = 2 * size;
  }
  const std::uint32_t next = address + step;
  if (ring_bits == 0) return next;
  const std::uint32_t mask = (1u << ring_bits) - 1;
  return (address & ~mask) | (next & mask);
}

void Dma::transfer(unsigned number, Cycle at) {
  Channel& channel = channels_[number];
  const std::uint32_t control = channel.control;
  const unsigned size = size_of(control);
  if (size > 4) throw Stop("DMA: DATA_SIZE 3 is not defined (12.6.10)");
  const std::uint32_t misaligned = (channel.read_address | channel.write_address) & (size - 1);
  if (misaligned != 0) {
    throw Stop("DMA: channel " + std::to_string(number) +
               " has an address that is no multiple of its transfer size (12.6.2.1)");
  }
  const unsigned request = request_of(control);
  if (request >= kFirstTimer && request < kUnpaced) ++channel.paced;
  if (request < kFirstTimer) sources_[request]->dreq_taken();

  Access access{.master = Master::kDma, .size = static_cast<std::uint8_t>(size), .now = at};
  const Reply got = bus_.read(channel.read_address, access);
  read_free_ = at + 1 + got.stall;
  if (got.fault != BusFault::kNone) {
    fault(number, true);
    return;
  }
  std::uint32_t value = got.value;
  if ((control & kSwap) != 0) {
    if (size == 2) value = (value & 0xff) << 8 | (value >> 8 & 0xff);
    if (size == 4) value = __builtin_bswap32(value);
  }
  if ((control & kSniff) != 0 && sniffer_.watches(number)) sniffer_.take(value, size);

  access.now = std::max(read_free_, write_free_);
  const std::uint32_t write_address = channel.write_address;
  const unsigned ring = ring_of(control);
  const bool ring_write = (control & kRingWrite) != 0;
  // The addresses move on before the write: it may be to this very channel's registers.
  channel.read_address = advance(channel.read_address, size, (control & kIncrementRead) != 0,
                                 (control & kReverseRead) != 0, ring_write ? 0 : ring);
  channel.write_address = advance(channel.write_address, size, (control & kIncrementWrite) != 0,
                                  (control & kReverseWrite) != 0, ring_write ? ring : 0);
  const bool endless = channel.reload >> 28 == kEndless;
  if (!endless) --channel.count;
  const Reply put = bus_.write(write_address, value, access);
  write_free_ = access.now + 1 + put.stall;
  // A slow write holds the data FIFO up, and with it the next reads.
  if (put.stall > 0) read_free_ = std::max(read_free_, access.now + put.stall);
  counters_.transfers += 1;
  counters_.bytes += size;
  counters_.stall_cycles += got.stall + put.stall;
  if (put.fault != BusFault::kNone) {
    fault(number, false);
    return;
  }
  if (!endless && channel.count == 0) finish(number, write_free_);
}

void Dma::finish(unsigned number, Cycle at) {
  Channel& channel = channels_[number];
  set_state(number, channel.busy, true);
  channel.end_event = events_.at_cycle(at, [this, number, at] { sequence_ended(number, at); });
}

void Dma::sequence_ended(unsigned number, Cycle now) {
  Channel& channel = channels_[number];
  channel.end_event = 0;
  set_state(number, false, false);
  if ((channel.control & kQuiet) == 0) {
    raw_interrupts_ |= 1u << number;
    update_interrupts();
  }
  const unsigned chained = chain_of(channel.control);
  if (chained != number) trigger(chained, now);
  if (channel.reload >> 28 == kTriggerSelf) trigger(number, now);
}

void Dma::fault(unsigned number, bool reading) {
  Channel& channel = channels_[number];
  channel.control |= reading ? kReadError : kWriteError;
  set_state(number, false, channel.ending);
  raw_interrupts_ |= 1u << number;
  update_interrupts();
}

void Dma::update_interrupts() {
  for (unsigned line = 0; line < 4; ++line) {
    interrupts_.set(kFirstIrq + line, ((raw_interrupts_ & enabled_[line]) | forced_[line]) != 0);
  }
}

// --- registers ---------------------------------------------------------------------------------------------

namespace {

// The order of the four registers in each alias (datasheet section 12.6.3.1, table 1145).
enum Register : unsigned { kRead, kWrite, kCount, kControl };
constexpr Register kAliases[4][4] = {{kRead, kWrite, kCount, kControl},
                                     {kControl, kRead, kWrite, kCount},
                                     {kControl, kCount, kRead, kWrite},
                                     {kControl, kWrite, kCount, kRead}};

}  // namespace

std::uint32_t Dma::read_control(const Channel& channel) const {
  std::uint32_t value = channel.control;
  if (channel.busy) value |= kBusy;
  if ((value & (kReadError | kWriteError)) != 0) value |= kAnyError;
  return value;
}

void Dma::write_control(unsigned number, std::uint32_t value, AtomicOp op) {
  Channel& channel = channels_[number];
  const std::uint32_t errors = kReadError | kWriteError;
  std::uint32_t kept = channel.control & errors;
  if (op != AtomicOp::kClear) kept &= ~value;
  channel.control = (apply(op, channel.control, value) & kControlWritable) | kept;
  const std::uint32_t bit = 1u << number;
  high_ = (channel.control & kHighPriority) != 0 ? high_ | bit : high_ & ~bit;
}

Reply Dma::read(std::uint32_t offset, const Access& access) {
  if (offset < kInterrupts) {
    const Channel& channel = channels_[offset >> 6];
    switch (kAliases[(offset >> 4) & 3][(offset >> 2) & 3]) {
      case kRead:
        return {.value = channel.read_address};
      case kWrite:
        return {.value = channel.write_address};
      case kCount:
        return {.value = channel.count | (channel.reload & ~kCountMask)};
      case kControl:
        return {.value = read_control(channel)};
    }
  }
  if (offset >= kInterrupts && offset < kTimer0) {
    const unsigned line = (offset >> 4) & 3;
    switch (offset & 0xc) {
      case kIntr:
        return {.value = raw_interrupts_};
      case kInte:
        return {.value = enabled_[line]};
      case kIntf:
        return {.value = forced_[line]};
      default:
        return {.value = (raw_interrupts_ & enabled_[line]) | forced_[line]};
    }
  }
  if (offset >= kTimer0 && offset < kMultiChanTrigger) {
    const Timer& timer = timers_[(offset >> 2) & 3];
    return {.value = timer.x << 16 | timer.y};
  }
  if (offset >= kSecurity && offset < kSecurityEnd) return {.value = security_[(offset - kSecurity) / 4]};
  if (offset >= kDebug && offset < kDebugEnd) {
    const Channel& channel = channels_[(offset >> 6) & 15];
    if ((offset & 0x3f) == kDbgTcr) return {.value = channel.reload};
    DreqSource* source = sources_[request_of(channel.control)];
    const bool counts = source != nullptr && (channel.control & kEnable) != 0;
    return {.value = counts ? source->dreq_level(access.now) : 0};
  }
  switch (offset) {
    case kMultiChanTrigger:
      return {};
    case kSniffCtrl:
      return {.value = sniffer_.control()};
    case kSniffData:
      return {.value = sniffer_.data()};
    case kFifoLevels:
      return {};  // the FIFOs are empty between two accesses
    case kChanAbort:
      return {};  // aborts complete immediately
    case kNChannels:
      return {.value = kChannels};
    default:
      throw Stop("DMA: no register at offset " + std::to_string(offset));
  }
}

Reply Dma::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (offset < kInterrupts) {
    write_channel(offset >> 6, offset & 0x3f, value, access);
    return {};
  }
  if (offset < kTimer0) {
    const unsigned line = (offset >> 4) & 3;
    switch (offset & 0xc) {
      case kInte:
        enabled_[line] = apply(access.op, enabled_[line], value) & 0xffff;
        break;
      case kIntf:
        forced_[line] = apply(access.op, forced_[line], value) & 0xffff;
        break;
      default:  // INTR and INTS: write one to clear
        if (access.op != AtomicOp::kClear) raw_interrupts_ &= ~value;
        break;
    }
    update_interrupts();
    return {};
  }
  if (offset < kMultiChanTrigger) {
    Timer& timer = timers_[(offset >> 2) & 3];
    const std::uint32_t word = apply(access.op, timer.x << 16 | timer.y, value);
    timer = {.x = word >> 16, .y = word & 0xffff, .since = access.now};
    for (Channel& channel : channels_) {
      if (request_of(channel.control) == kFirstTimer + ((offset >> 2) & 3)) channel.paced = 0;
    }
    wake(access.now + 1);
    return {};
  }
  if (offset >= kSecurity && offset < kSecurityEnd) {
    std::uint32_t& reg = security_[(offset - kSecurity) / 4];
    reg = apply(access.op, reg, value);
    return {};
  }
  switch (offset) {
    case kMultiChanTrigger:
      for (unsigned i = 0; i < kChannels; ++i) {
        if (((value >> i) & 1) != 0) trigger(i, access.now);
      }
      break;
    case kSniffCtrl:
      sniffer_.set_control(apply(access.op, sniffer_.control(), value));
      break;
    case kSniffData:
      sniffer_.set_data(value);
      break;
    case kChanAbort:
      for (unsigned i = 0; i < kChannels; ++i) {
        if (((value >> i) & 1) != 0) abort(i);
      }
      break;
    case kFifoLevels:
    case kNChannels:
      break;
    default:
      if (offset >= kDebug && offset < kDebugEnd) {
        if ((offset & 0x3f) == kDbgCtdreq) channels_[(offset >> 6) & 15].stale_credits = false;
        break;
      }
      throw Stop("DMA: no register at offset " + std::to_string(offset));
  }
  return {};
}

void Dma::write_channel(unsigned number, unsigned offset, std::uint32_t value, const Access& access) {
  Channel& channel = channels_[number];
  const bool triggers = (offset & 0xc) == 0xc;
  switch (kAliases[(offset >> 4) & 3][(offset >> 2) & 3]) {
    case kRead:
      channel.read_address = apply(access.op, channel.read_address, value);
      break;
    case kWrite:
      channel.write_address = apply(access.op, channel.write_address, value);
      break;
    case kCount:
      channel.reload = apply(access.op, channel.reload, value);
      break;
    case kControl: {
      const bool was_running = (channel.control & kEnable) != 0;
      write_control(number, value, access.op);
      // Enabled again: a paused sequence resumes.
      if (channel.busy && !was_running && (channel.control & kEnable) != 0) wake(access.now + 1);
      break;
    }
  }
  if (!triggers) return;
  if (value == 0) {
    null_trigger(number);
  } else {
    trigger(number, access.now);
  }
}

}  // namespace pico_llama::simulator
