// The order of a stream's reads and the worker each belongs to: a list recorded from forward() at load, and a
// cursor.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace pico_llama {

/// Alignment of runs in the ring.
inline constexpr uint32_t kStreamAlignment = 32;
constexpr uint32_t stream_room(uint32_t bytes) {
  return (bytes + kStreamAlignment - 1) / kStreamAlignment * kStreamAlignment;
}

/// One array of the KV cache: layer, KV head, position, in this order.
struct CacheArray {
  const std::byte* data = nullptr;
  uint32_t head_bytes = 0;  ///< of a head's whole context
  uint32_t bytes_of_8 = 0;  ///< of 8 positions, a multiple of 4
};

/// The arrays that a head's attention reads, in order.
struct CacheArrays {
  static constexpr int kMost = 4;
  CacheArray array[kMost];
  int count = 0;
  int heads = 0;  ///< kv heads of a layer
  int layers = 0;

  /// Ring bytes of one head for `positions` (rounded up to 8), all arrays together.
  uint32_t head_room(int positions) const {
    uint32_t bytes = 0;
    for (int i = 0; i < count; ++i)
      bytes += stream_room(array[i].bytes_of_8 * static_cast<uint32_t>((positions + 7) / 8));
    return bytes;
  }
};

/// Workers that a stream can serve.
inline constexpr int kMaxStreamWorkers = 2;

/// A tensor to stream, or a marker for a layer's cache.
struct StreamItem {
  enum class Kind : uint8_t { kTensor, kCache };
  const std::byte* source = nullptr;  ///< of a tensor: its first row block
  uint32_t block_bytes = 0;           ///< a multiple of 4
  uint32_t blocks = 0;
  Kind kind = Kind::kTensor;
  bool for_logits = false;  ///< skipped in passes without logits
};

/// One sequential read.
struct StreamRun {
  const std::byte* source = nullptr;
  uint32_t bytes = 0;
  /// ring bytes to reserve: this run and the following runs that are consumed together with it
  uint32_t room = 0;
  int blocks = 0;  ///< as StreamPiece::blocks
  int worker = 0;  ///< the worker that consumes it
};

/// Iterates over the items, pass after pass. Each worker gets its share of a tensor's blocks (Share::blocks)
/// in runs of at most piece_bytes (at least one block), interleaved so that all workers stay busy; of a
/// cache, its share of the heads.
class StreamSchedule {
 public:
  StreamSchedule() = default;
  /// Requires: items outlive the schedule. cache_limit: the cache is streamed only in passes where one head
  /// needs at most this many ring bytes.
  StreamSchedule(std::span<const StreamItem> items, const CacheArrays& cache, uint32_t cache_limit,
                 uint32_t piece_bytes, int workers)
      : items_(items),
        cache_(cache),
        cache_limit_(cache_limit),
        piece_bytes_(piece_bytes),
        workers_(workers) {}

  /// Announces the next pass.
  void begin(int pos, int tokens, bool want_logits);
  bool streams_cache() const { return streams_cache_; }

  /// The next run; false when it depends on a pass that has not begun. A cache is read as the last pass left
  /// it.
  bool next(StreamRun& run);

 private:
  bool next_of_tensor(const StreamItem& item, StreamRun& run);
  bool next_of_cache(StreamRun& run);
  void next_item();

  std::span<const StreamItem> items_{};
  CacheArrays cache_{};
  uint32_t cache_limit_ = 0;
  uint32_t piece_bytes_ = 0;
  int workers_ = 1;

  uint32_t begun_ = 0;  ///< passes
  int positions_ = 0;   ///< in the cache at the end of the last pass that has begun
  bool want_logits_ = true;
  bool streams_cache_ = false;

  // The cursor.
  uint32_t pass_ = 0;
  uint32_t item_ = 0;
  int layer_ = 0;   ///< caches of this pass that are behind
  int worker_ = 0;  ///< whose turn it is
  int round_ = 0;   ///< runs or heads each worker has had
  int array_ = 0;
};

}  // namespace pico_llama
