#pragma once
#include <array>
#include <cstdint>

#include "simulator/bus/dreq.h"
#include "simulator/bus/xip_cache.h"
#include "simulator/clock/event_queue.h"

namespace pico_llama::simulator {

/// The streaming interface (datasheet section 4.4.3): reads consecutive words in the background, bypassing
/// the cache, into a FIFO of two, while the QMI is otherwise idle.
class XipStream : public DreqSource {
 public:
  static constexpr unsigned kDepth = 2;
  static constexpr unsigned kDreq = 49;  ///< DREQ_XIP_STREAM

  XipStream(XipCache& cache, Qmi& qmi, EventQueue& events) : cache_(cache), qmi_(qmi), events_(events) {}
  void attach_listener(DreqListener* listener) { listener_ = listener; }
  void reset();

  std::uint32_t address() const { return address_; }
  std::uint32_t count() const { return count_; }
  void set_address(std::uint32_t address) { address_ = address & ~3u; }
  /// Starts a stream, or with 0 halts one and discards the word in flight.
  void set_count(std::uint32_t words, Cycle now);

  bool empty() const { return level_ == 0; }
  bool full() const { return level_ == kDepth; }
  /// Errors: throws Stop when empty: the hardware's value is undefined.
  std::uint32_t pop(Cycle now);

  unsigned dreq_level(Cycle) override { return level_; }
  /// Words read since the board was made; for --stats.
  std::uint64_t words() const { return words_; }

 private:
  void schedule(Cycle earliest);
  void issue();
  void arrive();

  XipCache& cache_;
  Qmi& qmi_;
  EventQueue& events_;
  DreqListener* listener_ = nullptr;
  std::uint32_t address_ = 0;
  std::uint32_t count_ = 0;
  std::array<std::uint32_t, kDepth> fifo_{};  ///< the oldest word first
  unsigned level_ = 0;
  EventQueue::Id event_ = 0;
  Cycle event_cycle_ = 0;
  bool in_flight_ = false;
  std::uint32_t word_ = 0;
  std::uint64_t words_ = 0;
};

}  // namespace pico_llama::simulator
