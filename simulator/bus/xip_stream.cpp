#include "simulator/bus/xip_stream.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "simulator/stop.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kCountMask = 0x3f'ffff;
constexpr std::uint32_t kXipMask = 0x03ff'ffff;
}  // namespace

void XipStream::reset() {
  events_.cancel(event_);
  event_ = 0;
  in_flight_ = false;
  address_ = count_ = 0;
  level_ = 0;
}

void XipStream::set_count(std::uint32_t words, Cycle now) {
  events_.cancel(event_);
  event_ = 0;
  in_flight_ = false;
  count_ = words & kCountMask;
  if (count_ != 0) schedule(now);
}

// The next read begins when the bus is free and no core has missed for a while.
void XipStream::schedule(Cycle earliest) {
  if (count_ == 0 || in_flight_ || event_ != 0 || full()) return;
  Cycle at = std::max(earliest, qmi_.busy_until());
  if (cache_.last_miss_done() != 0)
    at = std::max(at, cache_.last_miss_done() + timing::kXipStreamResume.cycles);
  event_cycle_ = at;
  event_ = events_.at_cycle(at, [this] { issue(); });
}

void XipStream::issue() {
  event_ = 0;
  // A core's access came first: wait again.
  const Cycle resume =
      cache_.last_miss_done() == 0 ? 0 : cache_.last_miss_done() + timing::kXipStreamResume.cycles;
  if (std::max(qmi_.busy_until(), resume) > event_cycle_) {
    schedule(event_cycle_);
    return;
  }
  std::uint8_t bytes[4];
  const auto result = qmi_.read(address_ & kXipMask, (address_ >> 26 & 3) != 3, bytes, 4, event_cycle_);
  if (result.fault != BusFault::kNone) {
    throw Stop("XIP stream: the read at address " + std::to_string(address_) +
               " faults (direct mode, or not mapped)");
  }
  std::memcpy(&word_, bytes, 4);
  in_flight_ = true;
  event_cycle_ = result.done;
  event_ = events_.at_cycle(result.done, [this] { arrive(); });
}

void XipStream::arrive() {
  event_ = 0;
  in_flight_ = false;
  fifo_[level_++] = word_;
  ++words_;
  address_ += 4;
  --count_;
  const Cycle now = event_cycle_;
  if (listener_ != nullptr) listener_->dreq_raised(kDreq, now);
  // The bus sits idle from now: the next word, if there is room, follows without the wait of an event.
  if (count_ == 0 || full() || event_ != 0) return;
  event_cycle_ = now;
  issue();
}

std::uint32_t XipStream::pop(Cycle now) {
  if (empty()) throw Stop("XIP stream: the FIFO is read while empty (4.4.3)");
  static_assert(kDepth == 2);
  const std::uint32_t word = fifo_[0];
  fifo_[0] = fifo_[1];
  --level_;
  schedule(now);
  return word;
}

}  // namespace pico_llama::simulator
