// C++ model of ../asm/q4_groups.h, operation by operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/dsp/model/dsp.h"
#include "engine/kernels/matmul_q4/q4_groups_args.h"
#include "engine/model/q4_layout.h"

namespace pico_llama::dsp {

inline uint32_t q4_word(const void* words, uint32_t at) {
  uint32_t word;
  std::memcpy(&word, static_cast<const char*>(words) + at, sizeof word);
  return word;
}

/// Four rows of one token: totals[r] += code[r] * sum_i w[r][i] * x[i].
inline void q4_four_rows(const char* words, const void* x, int32_t bias, int32_t* totals) {
  constexpr uint32_t kMask = 0x0f0f0f0f;
  auto a = static_cast<uint32_t>(17 * bias);
  auto b = static_cast<uint32_t>(257 * bias);
  uint32_t c = b;
  for (uint32_t pair = 0; pair < kQ4Group / 2; ++pair) {
    const uint32_t w = q4_word(words, 8 * pair);
    const uint32_t xi = q4_word(x, 4 * pair);
    a = smlad(w >> 8 & 0x00ff00ff, xi, a);
    b = smlad(kMask & (w >> 12 | w << 20), xi, b);
    c = smlad(kMask & w, xi, c);
  }
  const auto signed_of = [](uint32_t v) { return static_cast<int32_t>(v); };
  const int32_t row2 = signed_of((c - (a << 8) + (b << 12)) << 12) >> 12;
  const int32_t row0 = signed_of(c - static_cast<uint32_t>(row2)) >> 8;
  const int32_t row1 = signed_of(a - static_cast<uint32_t>(row0)) >> 4;
  const int32_t row3 = signed_of(b - static_cast<uint32_t>(row1)) >> 8;
  int8_t codes[4];
  std::memcpy(codes, words + kQ4Group / 2 * 8, sizeof codes);
  const int32_t rows[4] = {row0, row1, row2, row3};
  for (int r = 0; r < 4; ++r) {
    uint32_t total;  // what is behind the pointer is a float's memory
    std::memcpy(&total, totals + r, sizeof total);
    total += static_cast<uint32_t>(rows[r]) * static_cast<uint32_t>(codes[r]);
    std::memcpy(totals + r, &total, sizeof total);
  }
}

inline void q4_groups(Q4Groups& g, int tokens) {
  for (; g.groups > 0; --g.groups, g.words = static_cast<const char*>(g.words) + kQ4GroupBytes)
    for (int t = 0; t < tokens; ++t) {
      auto* totals = reinterpret_cast<char*>(g.totals) + ptrdiff_t{t} * g.total_bytes;
      for (int block = 0; block < g.blocks; ++block)
        for (int half = 0; half < 2; ++half) {
          const auto* words =
              static_cast<const char*>(g.words) + block * static_cast<ptrdiff_t>(g.block_bytes);
          q4_four_rows(words + 4 * half, g.x[t], *g.bias[t],
                       reinterpret_cast<int32_t*>(totals) + 8 * block + 4 * half);
        }
      g.x[t] = static_cast<const char*>(g.x[t]) + 2 * kQ4Group;
      ++g.bias[t];
    }
}
inline void q4_groups_one(Q4Groups& g) { q4_groups(g, 1); }
inline void q4_groups_two(Q4Groups& g) { q4_groups(g, 2); }
inline void q4_groups_three(Q4Groups& g) { q4_groups(g, 3); }

}  // namespace pico_llama::dsp
