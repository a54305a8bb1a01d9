// Weights that do not fit in fast memory come to forward() in pieces, in the order in which it reads them.
#pragma once
#include <cstddef>

namespace pico_llama {

/// Whole row blocks of a tensor, or a run of the key/value cache.
struct StreamPiece {
  std::byte* data = nullptr;
  int blocks = 0;  ///< row blocks of a tensor; 0 for a run of the cache
};

/// A reader that runs ahead of the workers, across the borders of tensors, layers and passes. What it brings,
/// in what order and for whom, is a StreamSchedule; forward() asks for exactly that. Each worker gets its own
/// pieces: of a tensor those of its share of the rows, first to last; of a cache those of its heads.
class WeightStream {
 public:
  /// A pass over `tokens` positions from pos on begins; called before the workers start.
  virtual void begin(int pos, int tokens, bool want_logits) = 0;
  /// The worker's next piece; waits until it is there.
  virtual StreamPiece next(int worker) = 0;
  /// The worker's oldest piece has been used: its memory may be filled again.
  virtual void done(int worker) = 0;
  /// Whether the key/value cache comes as pieces in this pass; else it is read where it lies.
  virtual bool brings_cache() const = 0;
  /// The worker has written its heads' part of one more layer's cache, which may be read from here on.
  virtual void cache_written(int worker) = 0;

 protected:
  ~WeightStream() = default;
};

}  // namespace pico_llama
