// Streams weights that do not fit in fast memory to forward(), in pieces, in the order in which it reads
// them.
#pragma once
#include <cstddef>

namespace pico_llama {

/// Whole row blocks of a tensor, or a run of the key/value cache.
struct StreamPiece {
  std::byte* data = nullptr;
  int blocks = 0;  ///< row blocks of a tensor; 0 for a run of the cache
};

/// Reads ahead of the workers, across tensors, layers and passes, in the order of a StreamSchedule; forward()
/// consumes exactly that. Each worker gets its own
/// pieces: of a tensor those of its share of the rows, first to last; of a cache those of its heads.
class WeightStream {
 public:
  /// A pass over `tokens` positions from pos on begins; called before the workers start.
  virtual void begin(int pos, int tokens, bool want_logits) = 0;
  /// The worker's next piece; blocks until it has been copied.
  virtual StreamPiece next(int worker) = 0;
  /// The worker's oldest piece has been used: its memory may be filled again.
  virtual void done(int worker) = 0;
  /// Whether the key/value cache is streamed in this pass; otherwise it is read in place.
  virtual bool brings_cache() const = 0;
  /// The worker has written its heads' entries of one more layer's cache; they may be read from now on.
  virtual void cache_written(int worker) = 0;

 protected:
  ~WeightStream() = default;
};

}  // namespace pico_llama
