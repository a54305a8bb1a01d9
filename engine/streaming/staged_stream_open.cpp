// What runs once at load: the firmware leaves this in flash, what runs for each piece is in SRAM.
#include "engine/check.h"
#include "engine/streaming/staged_stream.h"

namespace pico_llama {

void StagedStream::open(const StreamSchedule& schedule, std::span<std::byte> memory) {
  CHECK(reinterpret_cast<uintptr_t>(memory.data()) % kStreamAlignment == 0 && memory.size() > table_bytes());
  stop();
  schedule_ = schedule;
  tables_ = reinterpret_cast<Tables*>(memory.data());
  ring_ = memory.subspan(table_bytes());
  for (Queue& queue : tables_->queues)
    queue.filled = queue.done = queue.taken = queue.freed = queue.written = 0;
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

}  // namespace pico_llama
