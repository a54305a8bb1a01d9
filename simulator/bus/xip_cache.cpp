#include "simulator/bus/xip_cache.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "simulator/stop.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {
namespace {

// XIP_CTRL.CTRL (datasheet section 4.4.5). Only Secure accesses are modelled.
constexpr std::uint32_t kEnableSecure = 1u << 0, kEnableNonsecure = 1u << 1, kPowerDown = 1u << 3,
                        kNoUncached = 1u << 4, kNoUntranslated = 1u << 6, kSplitWays = 1u << 9,
                        kWritable0 = 1u << 10;
constexpr std::uint32_t kControlReset = 0x83, kControlMask = 0xffb;

std::string hex(std::uint32_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x00000000";
  for (unsigned i = 0; i < 8; ++i) text[9 - i] = kDigits[(value >> (4 * i)) & 15];
  return text;
}

const char* name_of(Master master) {
  switch (master) {
    case Master::kCore0:
      return "core 0";
    case Master::kCore1:
      return "core 1";
    case Master::kDma:
      return "the DMA";
    case Master::kDebugger:
      break;
  }
  return "the debugger";
}

unsigned byte_mask(unsigned size) { return (1u << size) - 1; }

}  // namespace

std::uint32_t XipCache::from_bytes(const std::uint8_t* bytes, unsigned size) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, size);
  return value;
}

XipCache::XipCache(Qmi& qmi, std::uint64_t seed)
    : qmi_(qmi), control_(kControlReset), random_(seed * 0x9e37'79b9'7f4a'7c15u | 1) {}

void XipCache::invalidate_all() {
  for (auto& set : lines_) {
    for (Line& line : set) line.state = State::kInvalid;
  }
}

void XipCache::reset() {
  control_ = kControlReset;
  clear_hits();
  clear_accesses();
  last_miss_done_ = 0;
  holds_ = {};
}

void XipCache::set_control(std::uint32_t value) {
  control_ = value & kControlMask;
  if ((control_ & kPowerDown) != 0) control_ &= ~(kEnableSecure | kEnableNonsecure);
}

bool XipCache::writable(std::uint32_t address) const {
  return (control_ & (kWritable0 << ((address >> 24) & 1))) != 0;
}

void XipCache::check_writable(std::uint32_t address, const Access& access) {
  if (writable(address) || (!strict_.stop_on_read_only_write && !strict_.warn_of_read_only_write)) return;
  const std::string text = std::string(name_of(access.master)) + " writes to " + hex(address) +
                           ", a read-only XIP window (CTRL.WRITABLE_M" + std::to_string((address >> 24) & 1) +
                           " is clear): silicon would ignore the data";
  if (strict_.stop_on_read_only_write) throw Stop(text);
  std::exchange(strict_.warn_of_read_only_write, nullptr)(text);
}

void XipCache::check_defined(std::uint32_t address, const Access& access, unsigned missing) const {
  if (missing != 0 && strict_.stop_on_undefined_read) {
    throw Stop(std::string(name_of(access.master)) + " reads " + std::to_string(access.size) + " bytes at " +
               hex(address) + " of PSRAM that were never written");
  }
}

Reply XipCache::read(std::uint32_t address, const Access& access) {
  // Fast path: a hit in the cached window.
  if ((address & 0x0c00'0000) == 0 && (control_ & (kEnableSecure | kSplitWays)) == kEnableSecure &&
      access.master != Master::kDebugger) [[likely]] {
    const std::uint16_t tag = tag_of(address);
    const Line& line = way_of(address);
    const unsigned wanted = byte_mask(access.size) << (address & 7);
    if (line.tag == tag && line.state != State::kInvalid && (wanted & ~unsigned{line.defined}) == 0)
        [[likely]] {
      const auto stall =
          static_cast<std::uint32_t>(port_free(address, access) - access.now) + timing::kXipCacheHit.cycles;
      ++counters_.hits;
      counters_.stall_cycles += stall;
      std::uint64_t bytes;
      std::memcpy(&bytes, line.bytes.data(), kLineBytes);
      const auto value = static_cast<std::uint32_t>(bytes >> (8 * (address & 7)));
      return {.value = access.size == 4 ? value : value & ((1u << (8 * access.size)) - 1), .stall = stall};
    }
  }
  if (access.master == Master::kDebugger) return peek(address, access);
  switch ((address >> 26) & 3) {
    case 0:
      return cached(address, false, 0, access);
    case 1:
      if ((control_ & kNoUncached) != 0) return {.fault = BusFault::kDenied};
      return uncached(address, true, false, 0, access);
    case 3:
      if ((control_ & kNoUntranslated) != 0) return {.fault = BusFault::kDenied};
      return uncached(address, false, false, 0, access);
    default:
      return {.fault = BusFault::kDenied};  // maintenance is by writes [ASSUMED: reads fault]
  }
}

bool XipCache::fetch_hit(std::uint32_t address, Master core, Cycle now, std::uint32_t& word,
                         std::uint32_t& stall) {
  if ((address & 0x0c00'0000) != 0 || (control_ & (kEnableSecure | kSplitWays)) != kEnableSecure)
    return false;
  const std::uint16_t tag = tag_of(address);
  const Line& line = way_of(address);
  const unsigned wanted = 15u << (address & 4);
  if (line.tag != tag || line.state == State::kInvalid || (wanted & ~unsigned{line.defined}) != 0)
    return false;
  stall = static_cast<std::uint32_t>(port_free(address, core, now) - now) + timing::kXipCacheHit.cycles;
  ++counters_.hits;
  counters_.stall_cycles += stall;
  std::memcpy(&word, &line.bytes[address & 4], sizeof word);
  return true;
}

std::uint32_t XipCache::contention(std::uint32_t address, const Access& access) const {
  const unsigned bank = (address >> 3) & 1;
  const PortHold& hold = holds_[bank];
  const bool held = access.now < hold.end && access.now >= hold.begin && hold.master != access.master;
  const Cycle at = held ? hold.end : access.now;
  return static_cast<std::uint32_t>(at - access.now) +
         ports_.wait(bank, static_cast<Port>(access.master), at);
}

Reply XipCache::write(std::uint32_t address, std::uint32_t value, const Access& access) {
  switch ((address >> 26) & 3) {
    case 0:
      return cached(address, true, value, access);
    case 1:
      if ((control_ & kNoUncached) != 0) return {.fault = BusFault::kDenied};
      return uncached(address, true, true, value, access);
    case 3:
      if ((control_ & kNoUntranslated) != 0) return {.fault = BusFault::kDenied};
      return uncached(address, false, true, value, access);
    default:
      return maintain(address, access);
  }
}

XipCache::Line* XipCache::find(std::uint32_t address, unsigned first_way, unsigned last_way) {
  auto& set = lines_[(address >> 3) & (kSets - 1)];
  const auto tag = tag_of(address);
  for (unsigned way = first_way; way <= last_way; ++way) {
    if (set[way].tag == tag && set[way].state != State::kInvalid) return &set[way];
  }
  return nullptr;
}

Cycle XipCache::write_back(Line& line, std::uint32_t set, Cycle at, BusFault& fault) {
  const auto result =
      qmi_.write(address_of(line, set), true, line.bytes.data(), kLineBytes, at, line.defined);
  fault = result.fault;
  ++counters_.write_backs;
  return result.done;
}

XipCache::Line* XipCache::allocate(std::uint32_t address, Cycle& at, BusFault& fault) {
  const std::uint32_t set = (address >> 3) & (kSets - 1);
  Line* victim = nullptr;
  if ((control_ & kSplitWays) != 0) {
    victim = &lines_[set][0];
  } else {
    // An invalid way is taken first [ASSUMED]; else one attempt at random.
    for (Line& line : lines_[set]) {
      if (line.state == State::kInvalid && victim == nullptr) victim = &line;
    }
    if (victim == nullptr) {
      random_ ^= random_ << 13;
      random_ ^= random_ >> 7;
      random_ ^= random_ << 17;
      victim = &lines_[set][random_ >> 63];
    }
  }
  if (victim->state == State::kPinned) return nullptr;
  if (victim->state == State::kDirty) {
    at = write_back(*victim, set, at, fault);
    if (fault != BusFault::kNone) return nullptr;
  }
  victim->state = State::kInvalid;
  const auto result = qmi_.read(address & kXipMask & ~7u, true, victim->bytes.data(), kLineBytes, at);
  fault = result.fault;
  at = result.done;
  if (fault != BusFault::kNone) return nullptr;
  victim->tag = tag_of(address);
  victim->state = State::kClean;
  victim->defined = result.defined;
  ++counters_.misses;
  return victim;
}

Reply XipCache::cached(std::uint32_t address, bool writing, std::uint32_t value, const Access& access) {
  if ((control_ & kEnableSecure) == 0) return uncached(address, true, writing, value, access);
  Cycle at = port_free(address, access);
  Line* line = find(address, 0, (control_ & kSplitWays) != 0 ? 0 : 1);
  if (line != nullptr) {
    ++counters_.hits;
    at += timing::kXipCacheHit.cycles;
  } else {
    if ((address & kBeyondQmi) != 0) return {.fault = BusFault::kUnmapped};
    BusFault fault = BusFault::kNone;
    line = allocate(address, at, fault);
    if (fault != BusFault::kNone) return {.fault = fault};
    if (line == nullptr) return uncached(address, true, writing, value, access);
    last_miss_done_ = std::max(last_miss_done_, at);
    holds_[(address >> 3) & 1] = {access.now, at, access.master};
  }
  Reply reply;
  reply.stall = static_cast<std::uint32_t>(at - access.now);
  counters_.stall_cycles += reply.stall;
  const unsigned offset = address & 7;
  const unsigned mask = byte_mask(access.size) << offset;
  // Pinned lines outside the QMI's space are plain memory, which CTRL's write protection does not name.
  const bool may_write = (address & kBeyondQmi) != 0 || writable(address);
  if (writing && may_write) {
    std::memcpy(&line->bytes[offset], &value, access.size);
    line->defined = static_cast<std::uint8_t>(line->defined | mask);
    if (line->state == State::kClean) line->state = State::kDirty;
    return reply;
  }
  if (writing) {
    check_writable(address, access);
    return reply;  // downgraded to a read
  }
  if ((mask & ~line->defined) != 0) check_defined(address, access, mask & ~line->defined);
  reply.value = from_bytes(&line->bytes[offset], access.size);
  return reply;
}

Reply XipCache::uncached(std::uint32_t address, bool translated, bool writing, std::uint32_t value,
                         const Access& access) {
  ++counters_.uncached;
  if ((address & kBeyondQmi) != 0) return {.fault = BusFault::kUnmapped};
  const Cycle at = port_free(address, access);
  std::uint8_t bytes[4] = {};
  Qmi::Result result;
  if (writing && writable(address)) {
    std::memcpy(bytes, &value, 4);
    result = qmi_.write(address & kXipMask, translated, bytes, access.size, at);
  } else {
    if (writing) check_writable(address, access);
    result = qmi_.read(address & kXipMask, translated, bytes, access.size, at);
  }
  if (result.fault != BusFault::kNone) return {.fault = result.fault};
  last_miss_done_ = std::max(last_miss_done_, result.done);
  holds_[(address >> 3) & 1] = {access.now, result.done, access.master};
  Reply reply;
  reply.stall = static_cast<std::uint32_t>(result.done - access.now);
  counters_.stall_cycles += reply.stall;
  if (writing) return reply;
  const unsigned missing = byte_mask(access.size) & ~unsigned{result.defined};
  if (missing != 0) check_defined(address, access, missing);
  reply.value = from_bytes(bytes, access.size);
  return reply;
}

// --- the maintenance window, and the view of a debugger ----------------------------------------------------

// Datasheet section 4.4.1.1. The data written is ignored; address bits 2:0 are the operation.
Reply XipCache::maintain(std::uint32_t address, const Access& access) {
  const std::uint32_t set = (address >> 3) & (kSets - 1);
  Line& by_way = lines_[set][(address >> 13) & 1];
  const auto tag = tag_of(address);
  Cycle at = access.now;
  BusFault fault = BusFault::kNone;
  switch (address & 7) {
    case 0:
      by_way.state = State::kInvalid;
      break;
    case 1:
      if (by_way.state == State::kDirty) {
        at = write_back(by_way, set, at, fault);
        by_way.state = State::kClean;
        by_way.tag = tag;  // erratum RP2350-E11
      }
      break;
    case 2:
      if (Line* line = find(address, 0, 1)) line->state = State::kInvalid;
      break;
    case 3:
      if (Line* line = find(address, 0, 1); line != nullptr && line->state == State::kDirty) {
        at = write_back(*line, set, at, fault);
        line->state = State::kClean;
      }
      break;
    case 7:
      if (Line* line = find(address, 0, 1)) line->state = State::kInvalid;
      by_way.tag = tag;
      by_way.state = State::kPinned;
      by_way.defined = 0xff;  // pinned: plain memory, defined or not
      break;
    default:
      throw Stop("XIP cache: maintenance operation " + std::to_string(address & 7) +
                 " is not defined (4.4.1.1)");
  }
  const auto stall = static_cast<std::uint32_t>(at - access.now);
  counters_.stall_cycles += stall;
  return {.stall = stall, .fault = fault};
}

Reply XipCache::peek(std::uint32_t address, const Access& access) {
  std::uint8_t bytes[4] = {};
  const bool through_cache = ((address >> 26) & 3) == 0;
  for (unsigned i = 0; i < access.size; ++i) {
    const Line* line = through_cache ? find(address + i, 0, 1) : nullptr;
    if (line != nullptr) {
      bytes[i] = line->bytes[(address + i) & 7];
    } else if ((address & kBeyondQmi) != 0 ||
               !qmi_.peek((address + i) & kXipMask, (address >> 26 & 3) != 3, &bytes[i])) {
      return {.fault = BusFault::kUnmapped};
    }
  }
  return {.value = from_bytes(bytes, access.size)};
}

}  // namespace pico_llama::simulator
