// Integer attention with SMLAD: a word holds 2 elements x 2 positions, so one load and two SXTB16 serve two
// dot products, and each query head of the group uses them again.
#include "attention_heads8.h"
#include "dsp.h"
#include "engine/kernels/attention_q8_parts.h"
#include "engine/kernels/m33/kernels.h"

namespace pico_llama::m33 {
namespace {

using Word [[gnu::may_alias]] = uint32_t;

/// Two heads' scores of two positions: keys (head_size/2 words), queries as int16 pairs.
struct FourSums {
  uint32_t a0 = 0, a1 = 0, b0 = 0, b1 = 0;
};

inline void add_word(FourSums& s, uint32_t w, uint32_t qa, uint32_t qb) {
  const uint32_t even = dsp::sxtb16(w);
  const uint32_t odd = dsp::sxtb16_ror8(w);
  s.a0 = dsp::smlad(even, qa, s.a0);
  s.a1 = dsp::smlad(odd, qa, s.a1);
  s.b0 = dsp::smlad(even, qb, s.b0);
  s.b1 = dsp::smlad(odd, qb, s.b1);
}

inline FourSums dot_two_heads(const Word* words, const Word* qa, const Word* qb, int pairs) {
  FourSums s;
  for (int i = 0; i < pairs; ++i) add_word(s, words[i], qa[i], qb[i]);
  return s;
}

struct Block {
  int first;
  int count;
};

/// Scores in fixed point; returns the larger of `max` and theirs.
struct Maxima {
  int32_t a, b;
};

Maxima scores(const AttentionQ8& a, const AttentionQ8Scratch& s, Block block, int head, bool two,
              float factor, Maxima max) {
  const int pairs = a.head_size / 2;
  const auto* words = reinterpret_cast<const Word*>(a.keys) + block.first / 2 * pairs;
  const auto* qa = reinterpret_cast<const Word*>(s.q + head * a.head_size);
  const Word* qb = two ? qa + pairs : qa;
  int32_t* ta = s.t + head * kAttentionBlock;
  int32_t* tb = two ? ta + kAttentionBlock : ta;
  const uint8_t* scale = a.key_scales + block.first;
  const auto take = [](uint32_t sum, float f, int32_t& t, int32_t& m) {
    t = dsp::to_fixed(static_cast<float>(static_cast<int32_t>(sum)) * f);
    m = t > m ? t : m;
  };
  for (int j = 0; j < block.count; j += 2, words += pairs) {
    const FourSums sum = dot_two_heads(words, qa, qb, pairs);
    const float even = factor * scale8_value(scale[j]);
    take(sum.b0, even, tb[j], max.b);
    take(sum.a0, even, ta[j], max.a);
    if (j + 1 == block.count) break;  // the pair's second position is not there yet
    const float odd = factor * scale8_value(scale[j + 1]);
    take(sum.b1, odd, tb[j + 1], max.b);
    take(sum.a1, odd, ta[j + 1], max.a);
  }
  return max;
}

/// The same for two heads of 8 elements (stories260K), where the loop around 4 words would cost a third of
/// it.
Maxima scores_heads8(const AttentionQ8& a, const AttentionQ8Scratch& s, Block block, int head, float factor,
                     Maxima max) {
  int32_t* t = s.t + head * kAttentionBlock;
  dsp::dots_heads8(a.keys + block.first * 8, s.q + head * 8, (block.count + 1) / 2, t);
  // All loads before all stores, two positions at a time: four chains of dependent FPU operations fill each
  // other's gaps.
  const uint8_t* scale = a.key_scales + block.first;
  const auto fixed = [](int32_t sum, float f) { return dsp::to_fixed(static_cast<float>(sum) * f); };
  const auto larger = [](int32_t x, int32_t y) { return x > y ? x : y; };
  int32_t* const last = t + block.count;
  for (; last - t >= 2; t += 2, scale += 2) {
    const float f0 = factor * scale8_value(scale[0]);
    const float f1 = factor * scale8_value(scale[1]);
    const int32_t a0 = fixed(t[0], f0), b0 = fixed(t[kAttentionBlock], f0);
    const int32_t a1 = fixed(t[1], f1), b1 = fixed(t[kAttentionBlock + 1], f1);
    t[0] = a0, t[1] = a1;
    t[kAttentionBlock] = b0, t[kAttentionBlock + 1] = b1;
    max.a = larger(larger(max.a, a0), a1);
    max.b = larger(larger(max.b, b0), b1);
  }
  if (t != last) {
    const float f = factor * scale8_value(*scale);
    t[0] = fixed(t[0], f);
    t[kAttentionBlock] = fixed(t[kAttentionBlock], f);
    max.a = larger(max.a, t[0]);
    max.b = larger(max.b, t[kAttentionBlock]);
  }
  return max;
}

/// exp2_fixed(max - t), at its limit where that is larger: one USAT where bits 8 and up are all that counts.
inline uint32_t exp2_of(int32_t max, int32_t t, const uint16_t* table) {
  const uint32_t d = dsp::usat_asr8<13>(dsp::qsub(max, t));
  return uint32_t{table[d & 0xff]} >> (d >> 8);
}

/// Scores into weights, for both heads at once, since a position's value scale is the same for both.
template <bool kTwo>
void weights(const AttentionQ8& a, const AttentionQ8Scratch& s, Block block, int head, Maxima max,
             uint32_t down) {
  const int32_t* ta = s.t + head * kAttentionBlock;
  int16_t* wa = s.w + head * kAttentionBlock;
  const uint8_t* scale = a.value_scales + block.first;
  const uint16_t* table = kExp2Table.at;
  uint32_t sum_a = 0;
  uint32_t sum_b = 0;
  for (const uint8_t* const end = scale + block.count; scale != end; ++scale, ++ta, ++wa) {
    const int32_t t = ta[0];
    [[maybe_unused]] const int32_t t_b = kTwo ? ta[kAttentionBlock] : 0;
    const uint32_t code = *scale;
    const uint32_t mantissa = 8 + (code & 7);
    const uint32_t shift = dsp::usat<5>(down - (code >> 3));
    const uint32_t pa = exp2_of(max.a, t, table);
    sum_a += pa;
    *wa = static_cast<int16_t>(pa * mantissa >> shift);
    if constexpr (kTwo) {
      const uint32_t pb = exp2_of(max.b, t_b, table);
      sum_b += pb;
      wa[kAttentionBlock] = static_cast<int16_t>(pb * mantissa >> shift);
    }
  }
  // What lies in the last pair's second position counts for nothing.
  if (block.count % 2 != 0) *wa = 0;
  s.sum[head] += sum_a;
  if constexpr (kTwo) {
    if (block.count % 2 != 0) wa[kAttentionBlock] = 0;
    s.sum[head + 1] += sum_b;
  }
}

/// acc += weights * values, two elements and two heads at a time.
void add_values(const AttentionQ8& a, const AttentionQ8Scratch& s, Block block, int head, bool two) {
  const int pairs = a.head_size / 2;
  const int position_pairs = (block.count + 1) / 2;
  const auto* words = reinterpret_cast<const Word*>(a.values) + block.first / 2 * pairs;
  const auto* wa = reinterpret_cast<const Word*>(s.w + head * kAttentionBlock);
  const Word* wb = two ? wa + kAttentionBlock / 2 : wa;
  auto* acc_a = reinterpret_cast<Word*>(s.acc + head * a.head_size);
  Word* acc_b = acc_a + a.head_size;
  for (int i = 0; i < pairs; ++i, ++words) {
    uint32_t a0 = acc_a[2 * i], a1 = acc_a[2 * i + 1];
    uint32_t b0 = 0, b1 = 0;
    if (two) b0 = acc_b[2 * i], b1 = acc_b[2 * i + 1];
    const Word* word = words;
    for (int j = 0; j < position_pairs; ++j, word += pairs) {
      const uint32_t w = *word;
      const uint32_t even = dsp::sxtb16(w);
      const uint32_t odd = dsp::sxtb16_ror8(w);
      a0 = dsp::smlad(even, wa[j], a0);
      a1 = dsp::smlad(odd, wa[j], a1);
      b0 = dsp::smlad(even, wb[j], b0);
      b1 = dsp::smlad(odd, wb[j], b1);
    }
    acc_a[2 * i] = a0, acc_a[2 * i + 1] = a1;
    if (two) acc_b[2 * i] = b0, acc_b[2 * i + 1] = b1;
  }
}

/// The largest of the block's scales, four at a time. Requires: scale aligned to 4.
uint32_t largest_scale(const uint8_t* scale, int count) {
  const auto* words = reinterpret_cast<const Word*>(scale);
  uint32_t largest = 0;
  for (; count >= 4; count -= 4) largest = dsp::umax8(largest, *words++);
  // Of the last word only the bytes that are positions.
  if (count > 0) largest = dsp::umax8(largest, *words << (32 - 8 * count));
  largest = dsp::umax8(largest, largest >> 16);
  return dsp::umax8(largest, largest >> 8) & 0xff;
}

}  // namespace

void attention_q8(const AttentionQ8& a) {
  const int elements = a.heads * a.head_size;
  const AttentionQ8Scratch s(a);
  float q_scale;
  m33::quantize_q8({s.q, &q_scale, a.q, elements, elements, attention_q_limit(a.head_size)});
  const float factor = (q_scale * a.scale) * kLog2eFixed16;
  const int shift = attention_weight_shift(a.last);
  for (int i = 0; i < elements; ++i) s.acc[i] = 0;
  for (int h = 0; h < a.heads; ++h) s.sum[h] = 0;
  uint32_t exponent = 0;

  for (int first = 0; first <= a.last; first += kAttentionBlock) {
    const Block block{first, a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock};
    const uint32_t largest = largest_scale(a.value_scales + block.first, block.count);
    if (largest >> 3 > exponent) {
      for (int i = 0; i < elements; ++i) s.acc[i] >>= (largest >> 3) - exponent;
      exponent = largest >> 3;
    }
    for (int h = 0; h < a.heads; h += 2) {
      const bool two = h + 1 < a.heads;
      const Maxima old =
          first == 0 ? Maxima{INT32_MIN, INT32_MIN} : Maxima{s.max[h], two ? s.max[h + 1] : INT32_MIN};
      const bool heads8 = two && a.head_size == 8;
      const Maxima max =
          heads8 ? scores_heads8(a, s, block, h, factor, old) : scores(a, s, block, h, two, factor, old);
      if (first != 0 && max.a > old.a) shrink(s, h, a.head_size, old.a, max.a);
      s.max[h] = max.a;
      const uint32_t down = static_cast<uint32_t>(shift) + exponent;
      if (two) {
        if (first != 0 && max.b > old.b) shrink(s, h + 1, a.head_size, old.b, max.b);
        s.max[h + 1] = max.b;
        weights<true>(a, s, block, h, max, down);
      } else {
        weights<false>(a, s, block, h, max, down);
      }
      if (heads8) {
        const std::byte* values = a.values + block.first * 8;
        const int16_t* w = s.w + h * kAttentionBlock;
        const int16_t* end = w + (block.count + 1) / 2 * 2;
        dsp::add_values_heads8(values, w, end, s.acc + h * 8);
        dsp::add_values_heads8(values + 8, w, end, s.acc + h * 8 + 4);
      } else {
        add_values(a, s, block, h, two);
      }
    }
  }
  for (int h = 0; h < a.heads; ++h) {
    const float scale = attention_output_scale(exponent, shift, s.sum[h]);
    for (int i = 0; i < a.head_size; ++i)
      a.q[h * a.head_size + i] = static_cast<float>(s.acc[h * a.head_size + i]) * scale;
  }
}

}  // namespace pico_llama::m33
