// The DMA's registers: what software reads and writes. What channels do is in dma.cpp.
#include <string>

#include "simulator/dma/dma.h"
#include "simulator/dma/fields.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {

using namespace dma_fields;

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
  if (offset < 0x400) {
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
  if (offset >= 0x400 && offset < 0x440) {
    const unsigned line = (offset >> 4) & 3;
    switch (offset & 0xc) {
      case 0x0:
        return {.value = raw_interrupts_};
      case 0x4:
        return {.value = enabled_[line]};
      case 0x8:
        return {.value = forced_[line]};
      default:
        return {.value = (raw_interrupts_ & enabled_[line]) | forced_[line]};
    }
  }
  if (offset >= 0x440 && offset < 0x450) {
    const Timer& timer = timers_[(offset >> 2) & 3];
    return {.value = timer.x << 16 | timer.y};
  }
  if (offset >= 0x480 && offset < 0x5d0) return {.value = security_[(offset - 0x480) / 4]};
  if (offset >= 0x800 && offset < 0xc00) {
    const Channel& channel = channels_[(offset >> 6) & 15];
    if ((offset & 0x3f) == 0x4) return {.value = channel.reload};
    DreqSource* source = sources_[request_of(channel.control)];
    return {.value = source != nullptr ? source->dreq_level(access.now) : 0};
  }
  switch (offset) {
    case 0x450:
      return {};
    case 0x454:
      return {.value = sniffer_.control()};
    case 0x458:
      return {.value = sniffer_.data()};
    case 0x460:
      return {};  // the FIFOs are empty between two of our steps
    case 0x464:
      return {};  // an abort is over at once
    case 0x468:
      return {.value = kChannels};
    default:
      throw Stop("DMA: no register at offset " + std::to_string(offset));
  }
}

Reply Dma::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (offset < 0x400) {
    write_channel(offset >> 6, offset & 0x3f, value, access);
    return {};
  }
  if (offset < 0x440) {
    const unsigned line = (offset >> 4) & 3;
    switch (offset & 0xc) {
      case 0x4:
        enabled_[line] = apply(access.op, enabled_[line], value) & 0xffff;
        break;
      case 0x8:
        forced_[line] = apply(access.op, forced_[line], value) & 0xffff;
        break;
      default:  // INTR and INTS: write one to clear
        if (access.op != AtomicOp::kClear) raw_interrupts_ &= ~value;
        break;
    }
    update_interrupts();
    return {};
  }
  if (offset < 0x450) {
    Timer& timer = timers_[(offset >> 2) & 3];
    const std::uint32_t word = apply(access.op, timer.x << 16 | timer.y, value);
    timer = {.x = word >> 16, .y = word & 0xffff, .since = access.now};
    for (Channel& channel : channels_) {
      if (request_of(channel.control) == kFirstTimer + ((offset >> 2) & 3)) channel.paced = 0;
    }
    wake(access.now + 1);
    return {};
  }
  if (offset >= 0x480 && offset < 0x5d0) {
    std::uint32_t& reg = security_[(offset - 0x480) / 4];
    reg = apply(access.op, reg, value);
    return {};
  }
  switch (offset) {
    case 0x450:
      for (unsigned i = 0; i < kChannels; ++i) {
        if (((value >> i) & 1) != 0) trigger(i, access.now);
      }
      break;
    case 0x454:
      sniffer_.set_control(apply(access.op, sniffer_.control(), value));
      break;
    case 0x458:
      sniffer_.set_data(value);
      break;
    case 0x464:
      for (unsigned i = 0; i < kChannels; ++i) {
        if (((value >> i) & 1) != 0) abort(i);
      }
      break;
    case 0x460:
    case 0x468:
      break;
    default:
      if (offset >= 0x800 && offset < 0xc00) {
        if ((offset & 0x3f) == 0) channels_[(offset >> 6) & 15].stale_credits = false;  // DBG_CTDREQ
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
      // Enabled again: a paused sequence goes on.
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
