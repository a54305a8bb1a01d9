#include "engine/streaming/staged_stream.h"

#include "engine/check.h"

namespace pico_llama {
namespace {

uint32_t acquire(uint32_t& word) { return std::atomic_ref<uint32_t>(word).load(std::memory_order_acquire); }
/// Requires: nobody else writes this word.
void count_up(uint32_t& word) { std::atomic_ref<uint32_t>(word).store(word + 1, std::memory_order_release); }

}  // namespace

void StagedStream::begin(int pos, int tokens, bool want_logits) {
  copier_.lock();
  schedule_.begin(pos, tokens, want_logits);
  copier_.unlock();
  copier_.wake();
}

StreamPiece StagedStream::next(int worker) {
  Queue& queue = tables_->queues[worker];
  while (acquire(queue.filled) == queue.taken) copier_.wait();
  return queue.pieces[queue.taken++ % kMostRuns];
}

void StagedStream::done(int worker) { report(tables_->queues[worker].done); }

void StagedStream::report(uint32_t& count) {
  count_up(count);
  // Dekker-style handshake: either prepare() sees this count after setting starved_, or we see starved_ here
  // and wake it.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (starved_.load(std::memory_order_relaxed)) copier_.wake();
}

void StagedStream::copied() {
  if (!open_) return;
  const Slot& slot = tables_->slots[brought_ % kMostRuns];
  // Start the next copy before publishing the finished one: the bus must not idle.
  ++brought_;
  start();
  Queue& queue = tables_->queues[slot.worker];
  queue.pieces[queue.filled % kMostRuns] = {ring_.data() + slot.begin, slot.blocks};
  count_up(queue.filled);
  copier_.announce();
  more();
}

void StagedStream::more() {
  if (!open_) return;
  while (prepare()) start();
}

/// Starts the prepared run, if the copier is free.
void StagedStream::start() {
  if (started_ != brought_ || started_ == prepared_) return;
  const Slot& slot = tables_->slots[started_ % kMostRuns];
  ++started_;
  copier_.copy(ring_.data() + slot.begin, slot.source, slot.bytes);
}

/// Reserves ring space for the next run while another is being copied. Returns true if one was prepared.
bool StagedStream::prepare() {
  starved_.store(false, std::memory_order_relaxed);
  if (prepared_ - started_ > 0) return false;  // one is prepared already; copied() will start it
  for (bool told = false;; told = true) {
    if (!has_waiting_) has_waiting_ = schedule_.next(waiting_);
    uint32_t begin = 0;
    if (has_waiting_ && find_room(waiting_.room, begin)) {
      tables_->slots[prepared_ % kMostRuns] = {begin, waiting_.bytes, waiting_.source,
                                               static_cast<uint16_t>(waiting_.worker),
                                               static_cast<uint16_t>(waiting_.blocks)};
      ++prepared_;
      head_ = begin + stream_room(waiting_.bytes);
      has_waiting_ = false;
      starved_.store(false, std::memory_order_relaxed);
      return true;
    }
    if (told) return false;
    // Publish starved_, then check again: a report in between is not lost (see report()).
    starved_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

/// Finds contiguous ring space after the newest run.
bool StagedStream::find_room(uint32_t room, uint32_t& begin) {
  while (oldest_ != brought_) {
    Queue& queue = tables_->queues[tables_->slots[oldest_ % kMostRuns].worker];
    if (acquire(queue.done) == queue.freed) break;
    ++queue.freed;
    ++oldest_;
  }
  if (prepared_ - oldest_ == kMostRuns) return false;
  const auto size = static_cast<uint32_t>(ring_.size());
  if (oldest_ == prepared_) {
    begin = 0;
    return room <= size;
  }
  const uint32_t tail = tables_->slots[oldest_ % kMostRuns].begin;
  if (head_ <= tail) {  // the newest run has wrapped around
    begin = head_;
    return head_ != tail && room <= tail - head_;
  }
  begin = head_;
  if (head_ <= size && room <= size - head_) return true;
  begin = 0;
  return room <= tail;
}

// ---- At load or once a story: in flash on the board (cold functions are not copied to SRAM).

[[gnu::cold]] void StagedStream::open(const StreamSchedule& schedule, std::span<std::byte> memory) {
  CHECK(reinterpret_cast<uintptr_t>(memory.data()) % kStreamAlignment == 0 && memory.size() > table_bytes());
  stop();
  schedule_ = schedule;
  tables_ = reinterpret_cast<Tables*>(memory.data());
  ring_ = memory.subspan(table_bytes());
  for (Queue& queue : tables_->queues) queue.filled = queue.done = queue.taken = queue.freed = 0;
  oldest_ = brought_ = started_ = prepared_ = head_ = 0;
  has_waiting_ = false;
  starved_.store(true);
  open_ = true;
  copier_.wake();
}

[[gnu::cold]] void StagedStream::stop() {
  copier_.lock();
  open_ = false;
  copier_.halt();
  copier_.unlock();
}

}  // namespace pico_llama
