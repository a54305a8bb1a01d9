#include "engine/streaming/stream_schedule.h"

#include "engine/share.h"

namespace pico_llama {

void StreamSchedule::begin(int pos, int tokens, bool want_logits) {
  // If the cursor is still in the previous pass, only items that pass skips remain: advance to the new pass.
  if (pass_ < begun_) {
    pass_ = begun_;
    item_ = 0;
    layer_ = worker_ = round_ = array_ = 0;
  }
  ++begun_;
  positions_ = pos + tokens;
  want_logits_ = want_logits;
  streams_cache_ = cache_.count != 0 && cache_.head_room(positions_) <= cache_limit_;
}

void StreamSchedule::next_item() {
  worker_ = round_ = array_ = 0;
  if (++item_ < items_.size()) return;
  item_ = 0;
  layer_ = 0;
  ++pass_;
}

// Interleaved: the first run of each worker's share, then the second of each.
bool StreamSchedule::next_of_tensor(const StreamItem& item, StreamRun& run) {
  const uint32_t fitting = piece_bytes_ / item.block_bytes;
  const int step = fitting > 0 ? static_cast<int>(fitting) : 1;
  for (int others = 0; others < workers_;) {
    const Range share = Share{worker_, workers_}.of(static_cast<int>(item.blocks));
    const int first = share.begin + round_ * step;
    const int left = share.end - first;
    run.worker = worker_;
    if (++worker_ == workers_) {
      worker_ = 0;
      ++round_;
    }
    if (left <= 0) {
      ++others;
      continue;
    }
    run.blocks = left < step ? left : step;
    run.source = item.source + static_cast<size_t>(first) * item.block_bytes;
    run.bytes = static_cast<uint32_t>(run.blocks) * item.block_bytes;
    run.room = stream_room(run.bytes);
    return true;
  }
  return false;
}

bool StreamSchedule::next_of_cache(StreamRun& run) {
  for (int others = 0; others < workers_;) {
    const Range share = Share{worker_, workers_}.of(cache_.heads);
    const int head = share.begin + round_;
    if (head < share.end) {
      const CacheArray& array = cache_.array[array_];
      run.worker = worker_;
      run.blocks = 0;
      run.source = array.data + static_cast<size_t>(layer_ * cache_.heads + head) * array.head_bytes;
      run.bytes = array.bytes_of_8 * static_cast<uint32_t>((positions_ + 7) / 8);
      run.room = array_ == 0 ? cache_.head_room(positions_) : stream_room(run.bytes);
      if (++array_ < cache_.count) return true;
      array_ = 0;
    } else {
      ++others;
    }
    if (++worker_ == workers_) {
      worker_ = 0;
      ++round_;
    }
    if (head < share.end) return true;
  }
  return false;
}

bool StreamSchedule::next(StreamRun& run) {
  if (items_.empty()) return false;
  for (;;) {
    const StreamItem& item = items_[item_];
    const bool known = static_cast<int32_t>(begun_ - pass_) > 0;
    if ((item.kind == StreamItem::Kind::kCache || item.for_logits) && !known) return false;
    const bool wanted = !item.for_logits || want_logits_;
    if (item.kind == StreamItem::Kind::kCache) {
      if (wanted && streams_cache_ && next_of_cache(run)) return true;
      ++layer_;
    } else if (wanted && next_of_tensor(item, run)) {
      return true;
    }
    next_item();
  }
}

}  // namespace pico_llama
