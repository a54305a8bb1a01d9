// Integer attention with SMLAD, two query heads at a time: each word of keys and values is unpacked once for
// both. Positions where both weights are 0 cost only their scores. Any head size and count; optimised for
// size, since stories260K uses attention_two_heads8_m33.cpp and larger models are limited by the bus.
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/attention_q8/attention_two_heads.h"

namespace pico_llama::m33 {
namespace {

using Word [[gnu::may_alias]] = uint32_t;

/// Not inlined, as values_of_two_heads(): the registers of their loops would be stack of the caller.
[[gnu::noinline]] uint32_t scores_of_two_heads(const Word* keys, int words, const Word* xa, const Word* xb,
                                               int positions, uint32_t* t, uint32_t max) {
  const auto* codes = reinterpret_cast<const uint8_t*>(keys + 4 * words);
  for (int j = 0; j < positions; ++j) {
    uint32_t a = 0, b = 0;
    for (int i = 0; i < words; ++i) {
      const uint32_t w = *keys++;
      const uint32_t even = dsp::sxtb16(w);
      const uint32_t odd = dsp::sxtb16_ror8(w);
      a = dsp::smlad(odd, xa[2 * i + 1], dsp::smlad(even, xa[2 * i], a));
      b = dsp::smlad(odd, xb[2 * i + 1], dsp::smlad(even, xb[2 * i], b));
    }
    const uint32_t code = codes[j % 4];
    t[j] = dsp::upper_halves(a * code, b * code);
    max = dsp::max16(t[j], max);
    if (j % 4 == 3) {
      ++keys;
      codes += (4 * words + 1) * 4;
    }
  }
  return max;
}

[[gnu::noinline]] void values_of_two_heads(const dsp::AttentionEntry* begin, const dsp::AttentionEntry* end,
                                           const void* base, int head_size, int32_t* acc) {
  int32_t* const acc_b = acc + head_size;
  for (int i = 0; i < head_size; i += 2) {
    auto a0 = static_cast<uint32_t>(acc[i]), a1 = static_cast<uint32_t>(acc[i + 1]);
    auto b0 = static_cast<uint32_t>(acc_b[i]), b1 = static_cast<uint32_t>(acc_b[i + 1]);
    for (const dsp::AttentionEntry* e = begin; e != end; ++e) {
      const uint32_t v = static_cast<const Word*>(dsp::values_at(e->values, base))[i / 2];
      const uint32_t even = dsp::sxtb16(v);
      const uint32_t odd = dsp::sxtb16_ror8(v);
      a0 = dsp::smlad(even, e->weights_a, a0);
      a1 = dsp::smlad(odd, e->weights_a, a1);
      b0 = dsp::smlad(even, e->weights_b, b0);
      b1 = dsp::smlad(odd, e->weights_b, b1);
    }
    acc[i] = static_cast<int32_t>(a0), acc[i + 1] = static_cast<int32_t>(a1);
    acc_b[i] = static_cast<int32_t>(b0), acc_b[i + 1] = static_cast<int32_t>(b1);
  }
}

struct AnyLoops {
  static int head_size(const AttentionQ8& a) { return a.head_size; }

  static uint32_t scores(const AttentionQ8& a, const std::byte* keys, const int16_t* xa, const int16_t* xb,
                         int count, uint32_t* t, uint32_t max) {
    max = scores_of_two_heads(reinterpret_cast<const Word*>(keys), q8_key_elements(a.head_size) / 4,
                              reinterpret_cast<const Word*>(xa), reinterpret_cast<const Word*>(xb), count, t,
                              max);
    for (int j = count; j % 4 != 0; ++j) t[j] = kLowestScores;
    return max;
  }

  static void add_values(const AttentionQ8& a, dsp::AttentionEntry* begin, dsp::AttentionEntry* end,
                         int32_t* acc) {
    values_of_two_heads(begin, end, a.values, a.head_size, acc);
  }
};

}  // namespace

void attention_q8(const AttentionQ8& a) {
  if (a.shape == HeadShape::kTwoOf8) return attention_two_heads8(a);
  const AttentionQ8Scratch s(a);
  const AttentionUnits units = attention_queries(a, a.heads, a.head_size, s.q);
  for (int head = 0; head < a.heads; head += 2)
    attention_two_heads<AnyLoops>(a, s, units, head, head + 1 < a.heads);
}

}  // namespace pico_llama::m33
