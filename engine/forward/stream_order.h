// The order in which forward() reads streamed tensors, found by running it.
#pragma once
#include <cstdint>
#include <span>

#include "engine/forward/numerics.h"
#include "engine/model/model_image_layout.h"
#include "engine/streaming/stream_schedule.h"
#include "engine/workers.h"

namespace pico_llama {

/// In place of NumericsF32 or NumericsQ8: computes nothing, notes the tensors that forward() reads, in order,
/// for a StreamSchedule. Used at load, so in flash on the board (cold functions are not copied to SRAM).
struct StreamOrder {
  static constexpr bool kWorkersShareInput = false;
  static constexpr int worker = 0;
  static constexpr int first = 0;

  StreamItem* item;  ///< the next one
  bool with_cache;   ///< note the place of a layer's cache too
  /// True: appends items, marked as needed only with logits. False: a second pass, without logits, clears
  /// that mark on every item it visits.
  bool for_logits;
  SingleWorker workers{};

  void embed(const Tensor&, std::span<const int32_t>, Range, const Tensor&) const {}
  void add_to_x(const float*, Range, const Tensor&) const {}
  void set_input(const float*, int, const Tensor&) const {}
  void set_normed_input(const Tensor&, float, const Tensor&) const {}
  void set_hidden_input(const Tensor&) const {}
  [[gnu::cold]] void matmul(float*, int, const Tensor& w, Share) {
    if (!w.streamed) return;
    const uint64_t block_bytes = tensor_bytes(w.encoding, kBlockRows, w.columns);
    note({.source = w.data, .block_bytes = static_cast<uint32_t>(block_bytes), .blocks = w.blocks()});
  }
  void rope(float*, int, const Tensor&, Range) const {}
  Heads kv_heads(Share) const { return {0, 0}; }
  void keep_last(int) const {}
  void swiglu(Range) const {}
  static CachePart cache_of(int, int) { return {}; }
  void store(int, Heads, CachePart) const {}
  bool streams_cache() const { return with_cache; }
  [[gnu::cold]] void attention(int, Heads) {
    if (with_cache) note({.kind = StreamItem::Kind::kCache});
  }

 private:
  [[gnu::cold]] void note(const StreamItem& read) {
    if (for_logits) {
      *item = read;
      item++->for_logits = true;
      return;
    }
    while (item->kind != read.kind || item->source != read.source) ++item;
    item++->for_logits = false;
  }
};

}  // namespace pico_llama
