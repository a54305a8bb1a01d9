// C++ model of ../asm/softmax_loop.h, operation by operation.
#pragma once
#include <bit>
#include <cstdint>

#include "engine/kernels/softmax_fixed/softmax_loop_args.h"
#include "engine/math/fixed.h"

namespace pico_llama::dsp {

/// The upper words of a * b, and of (acc << 32) - a * b.
inline int32_t smmul(int32_t a, int32_t b) { return static_cast<int32_t>((int64_t{a} * b) >> 32); }

inline int32_t smmls(int32_t acc, int32_t a, int32_t b) {
  const auto product = static_cast<uint64_t>(int64_t{a} * b);
  return static_cast<int32_t>(((static_cast<uint64_t>(static_cast<uint32_t>(acc)) << 32) - product) >> 32);
}

inline void softmax_pairs(SoftmaxPairs& p) {
  for (; p.at != p.end; ++p.at) {
    const uint32_t x = to_fixed_unsigned((p.max - *p.at) * p.factor);
    const auto s = static_cast<int32_t>(0x80000000u ^ x << 10);
    const int32_t drop = smmul(s, smmls(p.slope, s, p.bend));
    const auto centre = static_cast<int32_t>(p.table[x >> 22 & 31]);
    const uint32_t weight = static_cast<uint32_t>(smmls(centre, centre, drop)) >> (x >> 27);
    *p.at = std::bit_cast<float>(weight);
    p.sum += weight;
  }
}

}  // namespace pico_llama::dsp
