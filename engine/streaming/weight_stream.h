// Interface through which forward() reads weights that do not fit in fast memory, piece by piece in reading
// order.
#pragma once
#include <cstddef>

namespace pico_llama {

/// Whole row blocks of a tensor, or a run of the key/value cache.
struct StreamPiece {
  std::byte* data = nullptr;
  int blocks = 0;  ///< row blocks of a tensor; 0 for a run of the cache
};

/// Prefetches for the workers across tensors, layers and passes, in the order of a StreamSchedule, which is
/// the order in which forward() reads. Each worker gets its own pieces: of a tensor, its share of the rows in
/// order; of a cache, its heads.
class WeightStream {
 public:
  /// A pass over `tokens` positions from pos on begins; called before the workers start.
  virtual void begin(int pos, int tokens, bool want_logits) = 0;
  /// The worker's next piece; blocks until it has been copied.
  virtual StreamPiece next(int worker) = 0;
  /// Releases the worker's oldest piece: its memory may be reused.
  virtual void done(int worker) = 0;
  /// Whether the key/value cache is streamed in this pass; otherwise it is read in place. It is copied before
  /// this pass's keys and values are known: the worker adds them to the copy, and writes them into the cache
  /// after next() has given it the copy.
  virtual bool streams_cache() const = 0;

 protected:
  ~WeightStream() = default;
};

}  // namespace pico_llama
