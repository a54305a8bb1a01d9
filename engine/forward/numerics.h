// The operations of forward() for each profile, on one worker's share of the rows or heads.
#pragma once
#include <cstdint>
#include <span>

#include "engine/forward/run_state.h"
#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/model/config.h"
#include "engine/model/weights.h"
#include "engine/share.h"
#include "engine/streaming/weight_stream.h"
#include "engine/workers.h"

namespace pico_llama {

/// Keys and values of a KV head, all positions.
struct CachePart {
  std::byte* keys;
  std::byte* values;
};

/// The operations that all profiles share.
struct Numerics {
  const Config& p;    ///< as llama2.c names it
  const RunState& s;  ///< as llama2.c names it
  WorkerScratch& scratch;
  int n;    ///< tokens of this pass
  int pos;  ///< of the first
  int worker;
  WeightStream* stream;  ///< of the tensors that are streamed; may be null
  Workers& workers;
  HeadShape heads = HeadShape::kAny;
  int first = 0;  ///< tokens before it are done; token t's rows are at t * stride in every buffer

  /// This worker's KV heads: every count-th, or consecutive ones if the cache is streamed. How far a head
  /// looks back depends on the model; in stories260K adjacent heads are alike, so alternating balances the
  /// work (saves 1.5 k cycles per token).
  Heads kv_heads(Share mine) const {
    if (stream == nullptr) return {mine.worker, p.n_kv_heads, mine.count};
    const Range together = mine.of(p.n_kv_heads);
    return {together.begin, together.end, 1};
  }
  /// Rotates each pair of these rows by its position's angle (RoPE).
  void rope(float* rows_of_tokens, int stride, const Tensor& table, Range rows) const;
  /// Whether attention() reads the cache from the stream; then it also stores the keys and values.
  bool streams_cache() const { return stream != nullptr && stream->streams_cache(); }
  /// From here on only the last `tokens` are computed.
  void keep_last(int tokens) { first = n - tokens; }

  /// Calls body(data, blocks, row) for this worker's blocks of a tensor: once if it is in memory, or for each
  /// piece of it that is streamed. `blocks` counts from data, whose row 0 is row `row` of the tensor.
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
  /// A KV head's part of the cache.
  CachePart cache_of(int layer, int head) const {
    const auto number = static_cast<size_t>(layer * p.n_kv_heads + head);
    return {s.key_cache + number * s.key_head_bytes, s.value_cache + number * s.value_head_bytes};
  }
  /// Takes a head's copy of the cache from the stream, appends this pass's keys and values to the cache and
  /// to the copy, and returns the copy. In flash on the board, as all cold functions: it runs once a head.
  template <typename OfProfile>
  [[gnu::cold, gnu::noinline]] static CachePart append_to_streamed_cache(const OfProfile& of, int layer,
                                                                         int head) {
    const StreamPiece keys = of.stream->next(of.worker);
    const StreamPiece values = of.stream->next(of.worker);
    const CachePart copy{keys.data, values.data};
    of.store_in_both(layer, head, copy);
    return copy;
  }
  /// After the attention of a head: its copy is no longer needed.
  void cache_done() const {
    stream->done(worker);
    stream->done(worker);
  }
};

/// Profile f32.
struct NumericsF32 : Numerics {
  /// Each worker computes the whole matmul input: cheaper than a barrier.
  static constexpr bool kWorkersShareInput = false;

  const float* input = nullptr;
  int input_stride = 0;

  /// out[i] = row `row` of a weight tensor, for columns i of a range.
  static void read_row(const Tensor& table, int32_t row, Range columns, float* out);

  /// x = the tokens' embeddings. next_norm: weight of the norm that follows (for q8's statistics).
  void embed(const Tensor& table, std::span<const int32_t> tokens, Range rows, const Tensor& next_norm) const;
  /// x += xb2, which the norm of weight `next_norm` reads next.
  void add_to_x(const float* xb2, Range rows, const Tensor& next_norm) const;
  /// The input of the next matmuls, `consumer` among them: x, (n, stride); rmsnorm(s.x, weight); or s.hb.
  void set_input(const float* x, int stride, const Tensor& consumer);
  void set_normed_input(const Tensor& weight, float eps, const Tensor& consumer);
  void set_hidden_input(const Tensor& consumer) { set_input(s.hb, s.hidden_stride, consumer); }
  /// out: of token `first`, then of those after it.
  void matmul(float* out, int out_stride, const Tensor& w, Share mine) const;
  void swiglu(Range rows) const;
  /// All tokens' s.k and s.v of these heads. part: of the first of them.
  void store(int layer, Heads kv_heads, CachePart part) const;
  /// A head's, in the cache and in a copy of it.
  void store_in_both(int layer, int head, CachePart copy) const;
  /// Attention's output in place of the queries, s.q.
  void attention(int layer, Heads kv_heads) const;
};

/// Profiles q8 and q4: integers from the matmuls' inputs to the attention's output. Each tensor states its
/// own encoding.
struct NumericsQ8 : Numerics {
  /// Each worker quantises part of a matmul's input, so a barrier precedes the matmul.
  static constexpr bool kWorkersShareInput = true;

  const float* input_scale = nullptr;  ///< of each token

  static void read_row(const Tensor& table, int32_t row, Range columns, float* out);

  void embed(const Tensor& table, std::span<const int32_t> tokens, Range rows, const Tensor& next_norm) const;
  void add_to_x(const float* xb2, Range rows, const Tensor& next_norm) const;
  void set_input(const float* x, int stride, const Tensor& consumer);
  void set_normed_input(const Tensor& weight, float eps, const Tensor& consumer);
  void set_hidden_input(const Tensor& consumer);
  void matmul(float* out, int out_stride, const Tensor& w, Share mine) const;
  void swiglu(Range rows) const;
  void store(int layer, Heads kv_heads, CachePart part) const;
  void store_in_both(int layer, int head, CachePart copy) const;
  void attention(int layer, Heads kv_heads) const;

 private:
  /// Calls quantize(padded columns, columns) for this worker's share of a single token's columns.
  template <typename Quantize>
  void share_columns(const Tensor& consumer, Quantize quantize);
  /// Quantises each of this worker's tokens. max_abs: (n, workers) of x, or of its product with `norm`; null:
  /// not known. norm: weight of the norm before the matmul, or null; eps: of the norm.
  void share_tokens(const Tensor& consumer, const float* x, int stride, const float* max_abs,
                    const float* norm, float eps);
  void set_plain_input(const float* x, int stride, const float* max_abs, const Tensor& consumer);
  void put_q4_bias(int padded) const;
  void matmul_pieces(float* out, int out_stride, const Tensor& w, Share mine) const;
  /// max|x| of token t over all workers.
  float max_abs_over_workers(const float* of_workers, int t) const;
};

}  // namespace pico_llama
