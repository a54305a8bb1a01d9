#include "engine/staged_stream.h"

namespace pico_llama {

void StagedStream::open(const StreamSchedule& schedule, std::span<std::byte> memory) {
  stop();
  schedule_ = schedule;
  memory_ = memory;
  for (Queue& queue : queues_) {
    queue.filled.store(0, std::memory_order_relaxed);
    queue.done.store(0, std::memory_order_relaxed);
    queue.taken = queue.freed = 0;
  }
  for (std::atomic<uint32_t>& written : written_) written.store(0, std::memory_order_relaxed);
  oldest_ = brought_ = started_ = prepared_ = head_ = 0;
  has_waiting_ = false;
  starved_.store(true);
  open_ = true;
  copier_.wake();
}

void StagedStream::stop() {
  copier_.lock();
  open_ = false;
  copier_.halt();
  copier_.unlock();
}

void StagedStream::begin(int pos, int tokens, bool want_logits) {
  copier_.lock();
  schedule_.begin(pos, tokens, want_logits);
  copier_.unlock();
  copier_.wake();
}

StreamPiece StagedStream::next(int worker) {
  Queue& queue = queues_[worker];
  while (queue.filled.load(std::memory_order_acquire) == queue.taken) copier_.wait();
  return queue.pieces[queue.taken++ % kMostRuns];
}

void StagedStream::done(int worker) {
  Queue& queue = queues_[worker];
  queue.done.store(queue.done.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  // Either the copier sees the count after it said that it starves, or this sees that it starves.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (starved_.load(std::memory_order_relaxed)) copier_.wake();
}

void StagedStream::cache_written(int worker) {
  std::atomic<uint32_t>& written = written_[worker];
  written.store(written.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (starved_.load(std::memory_order_relaxed)) copier_.wake();
}

void StagedStream::copied() {
  if (!open_) return;
  const Slot& slot = slots_[brought_ % kMostRuns];
  // First of all the bus gets its next run; then the workers hear of the last.
  ++brought_;
  start();
  Queue& queue = queues_[slot.worker];
  const uint32_t filled = queue.filled.load(std::memory_order_relaxed);
  queue.pieces[filled % kMostRuns] = {memory_.data() + slot.begin, slot.blocks};
  queue.filled.store(filled + 1, std::memory_order_release);
  copier_.announce();
  more();
}

void StagedStream::more() {
  if (!open_) return;
  while (prepare()) start();
}

/// Hands the copier what has been prepared, if it is free.
void StagedStream::start() {
  if (started_ != brought_ || started_ == prepared_) return;
  const Slot& slot = slots_[started_ % kMostRuns];
  ++started_;
  copier_.copy(memory_.data() + slot.begin, slot.source, slot.bytes);
}

/// Room for one more run beside the one under way. True when one was prepared.
bool StagedStream::prepare() {
  starved_.store(false, std::memory_order_relaxed);
  if (prepared_ - started_ > 0) return false;  // copied() will come
  for (bool told = false;; told = true) {
    if (!has_waiting_) {
      uint32_t written[kMaxStreamWorkers];
      for (int w = 0; w < kMaxStreamWorkers; ++w) written[w] = written_[w].load(std::memory_order_acquire);
      has_waiting_ = schedule_.next(waiting_, written);
    }
    uint32_t begin = 0;
    if (has_waiting_ && find_room(waiting_.room, begin)) {
      slots_[prepared_ % kMostRuns] = {begin, waiting_.bytes, waiting_.source,
                                       static_cast<uint16_t>(waiting_.worker),
                                       static_cast<uint16_t>(waiting_.blocks)};
      ++prepared_;
      head_ = begin + stream_room(waiting_.bytes);
      has_waiting_ = false;
      starved_.store(false, std::memory_order_relaxed);
      return true;
    }
    if (told) return false;
    // Say so before looking once more: what a worker reports in between is not lost.
    starved_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

/// A place in the ring, in one piece, behind the youngest run.
bool StagedStream::find_room(uint32_t room, uint32_t& begin) {
  while (oldest_ != brought_) {
    Queue& queue = queues_[slots_[oldest_ % kMostRuns].worker];
    if (queue.done.load(std::memory_order_acquire) == queue.freed) break;
    ++queue.freed;
    ++oldest_;
  }
  if (prepared_ - oldest_ == kMostRuns) return false;
  const auto size = static_cast<uint32_t>(memory_.size());
  if (oldest_ == prepared_) {
    begin = 0;
    return room <= size;
  }
  const uint32_t tail = slots_[oldest_ % kMostRuns].begin;
  if (head_ <= tail) {  // the youngest has wrapped around
    begin = head_;
    return head_ != tail && room <= tail - head_;
  }
  begin = head_;
  if (head_ <= size && room <= size - head_) return true;
  begin = 0;
  return room <= tail;
}

}  // namespace pico_llama
