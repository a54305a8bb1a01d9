// What forward() is made of, per profile: the parts that llama2.c writes as loops, on one worker's share.
#pragma once
#include <cstdint>

#include "engine/forward/run_state.h"
#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/model/config.h"
#include "engine/model/weights.h"
#include "engine/share.h"
#include "engine/streaming/weight_stream.h"
#include "engine/workers.h"

namespace pico_llama {

/// The parts all profiles share.
struct Numerics {
  const Config& p;
  const RunState& s;
  WorkerScratch& scratch;
  int n;    ///< tokens of this pass
  int pos;  ///< of the first
  int worker;
  WeightStream* stream;  ///< brings the tensors that are streamed, if any are
  Workers& workers;
  int first = 0;  ///< tokens before it are done; token t's rows lie at t * stride in every buffer

  /// This worker's: every count-th, or where the stream brings the cache, heads that lie together. Which
  /// heads look far back is the model's affair; in stories260K it is neighbours (1.5 k cycles a token).
  Heads kv_heads(Share mine) const {
    if (stream == nullptr) return {mine.worker, p.n_kv_heads, mine.count};
    const Range together = mine.of(p.n_kv_heads);
    return {together.begin, together.end, 1};
  }
  /// Turns each pair of these rows by its position's angle.
  void rope(float* rows_of_tokens, int stride, const Tensor& table, Range rows) const;
  /// What follows runs for the last token only.
  void keep_last() { first = n - 1; }

  /// Calls body(data, blocks, row) for this worker's blocks of a tensor: once where it lies, or with each
  /// piece that the stream brings. `blocks` counts from data, row 0 of which is `row` of the tensor.
  template <typename Body>
  void each_piece(const Tensor& w, Share mine, Body body) const {
    BlockRange left = mine.blocks(static_cast<int>(w.rows));
    if (!w.streamed) return body(w.data, left, 0);
    while (left.begin < left.end) {
      const StreamPiece piece = stream->next(worker);
      body(piece.data, BlockRange{0, piece.blocks}, left.begin * kBlockRows);
      stream->done(worker);
      left.begin += piece.blocks;
    }
  }
  /// Calls body(keys, values) with one head's part of the cache, where it lies or as the stream brings it.
  template <typename Body>
  void with_cache(size_t head, Body body) const {
    if (stream == nullptr || !stream->brings_cache())
      return body(s.key_cache + head * s.key_head_bytes, s.value_cache + head * s.value_head_bytes);
    const StreamPiece keys = stream->next(worker);
    const StreamPiece values = stream->next(worker);
    body(keys.data, values.data);
    stream->done(worker);
    stream->done(worker);
  }
};

struct NumericsF32 : Numerics {
  const float* input = nullptr;
  int input_stride = 0;

  static void embed(const Tensor& table, int32_t token, Range rows, float* x);
  /// Adds xb2 to x, which the norm of this weight will read.
  void add_to_x(const float* xb2, Range rows, const Tensor& next_norm) const;
  /// x has been set, for the norm of this weight to read.
  void x_is_new(Range, const Tensor&) const {}
  /// What the next matmuls read: (n, stride).
  void set_input(const float* x, int stride, const Tensor& consumer);
  void set_hidden_input(const Tensor& consumer) { set_input(s.hb, s.hidden_stride, consumer); }
  /// The same of rmsnorm(x, weight), for every token: cheap enough for each worker to do it all, and no
  /// barrier.
  void set_normed_input(const Tensor& weight, float eps, const Tensor& consumer);
  void matmul(float* out, int out_stride, const Tensor& w, Share mine) const;
  void swiglu(Range rows) const;
  /// s.k and s.v of these heads into the cache.
  void store(int layer, Heads kv_heads) const;
  void attention(int layer, Heads kv_heads) const;
};

/// Profiles q8 and q4: integers from the matmuls' inputs to the attention's output. What a matrix holds, each
/// tensor says itself.
/// set_input() and set_normed_input() may meet at a barrier: every worker calls them.
struct NumericsQ8 : Numerics {
  const float* input_scale = nullptr;  ///< of each token

  static void embed(const Tensor& table, int32_t token, Range rows, float* x);
  void add_to_x(const float* xb2, Range rows, const Tensor& next_norm) const;
  void x_is_new(Range rows, const Tensor& next_norm) const;
  void set_input(const float* x, int stride, const Tensor& consumer);
  /// set_input() of what swiglu() has left in s.hb.
  void set_hidden_input(const Tensor& consumer);
  void set_normed_input(const Tensor& weight, float eps, const Tensor& consumer);
  void matmul(float* out, int out_stride, const Tensor& w, Share mine) const;
  void swiglu(Range rows) const;
  void store(int layer, Heads kv_heads) const;
  void attention(int layer, Heads kv_heads) const;

 private:
  /// Calls quantize(t, place in s.xq, scale, padded columns, part) for each token that is this worker's to
  /// quantise, or for its part of the one there is. The others' are there once all have met.
  template <typename Quantize>
  void share_input(const Tensor& consumer, Quantize quantize);
  void matmul_pieces(float* out, int out_stride, const Tensor& w, Share mine) const;
  /// Of all workers' parts of a token's vector.
  float largest_of(const float* of_workers, int t) const;
};

}  // namespace pico_llama
