// What forward() is made of, per profile: the parts that llama2.c writes as loops, on one worker's share.
#pragma once
#include <cstdint>

#include "engine/config.h"
#include "engine/kernels/arguments.h"
#include "engine/run_state.h"
#include "engine/weights.h"

namespace pico_llama {

/// Half-open range of rows or heads.
struct Range {
  int begin;
  int end;
};

/// One worker's part of a job. Parts are consecutive, disjoint and depend on nothing but these two numbers.
struct Share {
  int worker;
  int count;

  constexpr Range of(int n) const {
    if (worker >= count) return {n, n};
    // In 32 bits: a 64-bit division is a call on the M33, and config.h's bounds on n leave room for
    // kMaxWorkers.
    const auto total = static_cast<uint32_t>(n);
    const auto workers = static_cast<uint32_t>(count);
    const auto first = static_cast<uint32_t>(worker);
    return {static_cast<int>(total * first / workers), static_cast<int>(total * (first + 1) / workers)};
  }
  /// This share, or everything for worker 0 and nothing for the others.
  constexpr Share unless(bool alone) const { return alone ? Share{worker, 1} : *this; }
  /// Whole blocks of a tensor with n rows.
  constexpr BlockRange blocks(int n) const {
    const Range r = of((n + kBlockRows - 1) / kBlockRows);
    return {r.begin, r.end};
  }
  /// The rows of those blocks that exist.
  constexpr Range rows(int n) const {
    const BlockRange b = blocks(n);
    const int end = b.end * kBlockRows;
    return {b.begin * kBlockRows < n ? b.begin * kBlockRows : n, end < n ? end : n};
  }
};

/// The parts both profiles share.
struct Numerics {
  const Config& p;
  const RunState& s;
  WorkerScratch& scratch;
  int n;          ///< tokens of this pass
  int pos;        ///< of the first
  int first = 0;  ///< tokens before it are done

  /// Turns each pair of these rows by its position's angle.
  void rope(float* rows_of_tokens, int stride, const Tensor& table, Range rows) const;
  void add_to_x(const float* xb2, Range rows) const;
  void swiglu(Range rows) const;
  /// The classifier runs for the last token only.
  void keep_last() { first = n - 1; }
};

struct NumericsF32 : Numerics {
  const float* input = nullptr;
  int input_stride = 0;

  static void embed(const Tensor& table, int32_t token, Range rows, float* x);
  /// What the next matmuls read: (n, stride).
  void set_input(const float* x, int stride, const Tensor& consumer);
  /// The same of rmsnorm(x, weight), for every token: cheap enough for each worker to do it all, and no
  /// barrier.
  void set_normed_input(const Tensor& weight, float eps, const Tensor& consumer);
  void matmul(float* out, int out_stride, const Tensor& w, Share mine) const;
  /// s.k and s.v of these heads into the cache.
  void store(int layer, Range kv_heads) const;
  void attention(int layer, Range kv_heads) const;
};

struct NumericsQ8 : Numerics {
  static void embed(const Tensor& table, int32_t token, Range rows, float* x);
  void set_input(const float* x, int stride, const Tensor& consumer);
  void set_normed_input(const Tensor& weight, float eps, const Tensor& consumer);
  void matmul(float* out, int out_stride, const Tensor& w, Share mine) const;
  void store(int layer, Range kv_heads) const;
  void attention(int layer, Range kv_heads) const;
};

}  // namespace pico_llama
