// Partitioning of rows and heads among workers.
#pragma once
#include <cstdint>

#include "engine/model/config.h"

namespace pico_llama {

/// Half-open range of rows or heads.
struct Range {
  int begin;
  int end;
};

/// Half-open range of 8-row blocks.
struct BlockRange {
  int begin;
  int end;
};

/// Heads begin, begin + step, ... below end.
struct Heads {
  int begin;
  int end;
  int step = 1;
};

/// One worker's part of a job. Parts are consecutive and disjoint and depend only on these two numbers.
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
  /// Whole blocks of a tensor with n rows.
  constexpr BlockRange blocks(int n) const {
    const Range r = of(static_cast<int>((static_cast<uint32_t>(n) + kBlockRows - 1) / kBlockRows));
    return {r.begin, r.end};
  }
  /// Rows of those blocks, without the padding rows.
  constexpr Range rows(int n) const {
    const BlockRange b = blocks(n);
    const int end = b.end * kBlockRows;
    return {b.begin * kBlockRows < n ? b.begin * kBlockRows : n, end < n ? end : n};
  }
};

}  // namespace pico_llama
