// Three small matrix products of causal attention, for a block of queries against all keys. Heads are narrow
// (8 wide in the model that ships), where a general matrix product spends its time on packing: here keys and
// values lie transposed, so that the vectors run along the keys. Included by math_variant.cpp, in its
// namespace.
#pragma once
#include <cstddef>

#include "trainer/model/math_workspace.h"

namespace pico_llama::trainer::PICO_LLAMA_MATH_NAMESPACE {

inline constexpr size_t kQueries = Workspace::kQueryBlock;
static_assert(kQueries == 4, "the blocks below hold four queries in registers");

template <typename S>
struct Lanes {
  typedef S Vector __attribute__((vector_size(PICO_LLAMA_MATH_VECTOR_BYTES)));
  typedef S Unaligned
      __attribute__((vector_size(PICO_LLAMA_MATH_VECTOR_BYTES), aligned(alignof(S)), may_alias));
  static constexpr size_t kCount = PICO_LLAMA_MATH_VECTOR_BYTES / sizeof(S);
  static_assert(Workspace::kKeyMultiple % kCount == 0);

  static Vector load(const S* from) { return *reinterpret_cast<const Unaligned*>(from); }
  static void store(S* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }
  static S sum(Vector value) {
    S total = 0;
    for (size_t i = 0; i < kCount; ++i) total += value[i];
    return total;
  }
};

/// out[r][j] = sum over d of x[r][d] * t[d][j]. Shapes: x [4, head_size], t [head_size, stride], out [4,
/// stride].
template <typename S>
void block_times_columns(const S* x, const S* t, S* out, size_t head_size, size_t keys, size_t stride) {
  using L = Lanes<S>;
  for (size_t j = 0; j < keys; j += L::kCount) {
    typename L::Vector sums[kQueries] = {};
    for (size_t d = 0; d < head_size; ++d) {
      const typename L::Vector column = L::load(t + d * stride + j);
      for (size_t r = 0; r < kQueries; ++r) sums[r] += column * x[r * head_size + d];
    }
    for (size_t r = 0; r < kQueries; ++r) L::store(out + r * stride + j, sums[r]);
  }
}

/// out[r][d] = sum over j of p[r][j] * t[d][j]. Requires: head_size even.
template <typename S>
void block_times_rows(const S* p, const S* t, S* out, size_t head_size, size_t keys, size_t stride) {
  using L = Lanes<S>;
  for (size_t d = 0; d < head_size; d += 2) {
    typename L::Vector sums[2][kQueries] = {};
    for (size_t j = 0; j < keys; j += L::kCount) {
      const typename L::Vector t0 = L::load(t + d * stride + j);
      const typename L::Vector t1 = L::load(t + (d + 1) * stride + j);
      for (size_t r = 0; r < kQueries; ++r) {
        const typename L::Vector weights = L::load(p + r * stride + j);
        sums[0][r] += weights * t0;
        sums[1][r] += weights * t1;
      }
    }
    for (size_t r = 0; r < kQueries; ++r) {
      out[r * head_size + d] = L::sum(sums[0][r]);
      out[r * head_size + d + 1] = L::sum(sums[1][r]);
    }
  }
}

/// t[d][j] += sum over r of p[r][j] * x[r][d]. Requires: head_size even.
template <typename S>
void add_outer_product(const S* p, const S* x, S* t, size_t head_size, size_t keys, size_t stride) {
  using L = Lanes<S>;
  for (size_t j = 0; j < keys; j += L::kCount) {
    typename L::Vector weights[kQueries];
    for (size_t r = 0; r < kQueries; ++r) weights[r] = L::load(p + r * stride + j);
    for (size_t d = 0; d < head_size; d += 2) {
      typename L::Vector t0 = L::load(t + d * stride + j);
      typename L::Vector t1 = L::load(t + (d + 1) * stride + j);
      for (size_t r = 0; r < kQueries; ++r) {
        t0 += weights[r] * x[r * head_size + d];
        t1 += weights[r] * x[r * head_size + d + 1];
      }
      L::store(t + d * stride + j, t0);
      L::store(t + (d + 1) * stride + j, t1);
    }
  }
}

}  // namespace pico_llama::trainer::PICO_LLAMA_MATH_NAMESPACE
