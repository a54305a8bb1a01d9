// Integer attention with SMLAD, two query heads at a time: each word of keys and values is unpacked once for
// both. Positions where both weights are 0 cost only their scores. Any head size and count; optimised for
// size, since stories260K uses attention_heads8_m33.cpp and larger models are limited by the bus.
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/attention_q8/attention_two_heads.h"

namespace pico_llama::m33 {
namespace {

using Word [[gnu::may_alias]] = uint32_t;

uint32_t scores_of_two_heads(const Word* keys, int words, const Word* xa, const Word* xb, int positions,
                             Word* t, uint32_t max) {
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

void values_of_two_heads(const dsp::AttentionEntry* begin, const dsp::AttentionEntry* end, const void* base,
                         int head_size, int32_t* acc) {
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

/// Two heads of a call; an odd last head is computed twice.
class TwoHeads {
 public:
  TwoHeads(const AttentionQ8& a, const AttentionQ8Scratch& s, AttentionUnits units, int head)
      : a_(a), s_(s), units_(units), shift_(attention_block_shift(a.last)), two_(head + 1 < a.heads) {
    const int x_words = q8_key_elements(head_size()) / 2;
    xa_ = reinterpret_cast<const Word*>(s.q) + head * x_words;
    xb_ = two_ ? xa_ + x_words : xa_;
    for (int i = 0; i < 2 * head_size(); ++i) s.acc[i] = 0;
  }

  /// Processes positions [first, first + count), count <= kAttentionBlock.
  void block(int first, int count) {
    auto* const t = reinterpret_cast<Word*>(s_.block) + kAttentionBlockBytes / 4 - kAttentionBlock;
    const uint32_t old_lowest = lowest_of(max_, units_.steps);
    scores(first, count, t);
    for (int j = count; j % 4 != 0; ++j) t[j] = both(INT16_MIN, INT16_MIN);
    const uint32_t new_lowest = lowest_of(max_, units_.steps);
    if (new_lowest != old_lowest && first != 0) grow(old_lowest, new_lowest);

    auto* const entries = reinterpret_cast<dsp::AttentionEntry*>(s_.block);
    const std::byte* const values = a_.values + static_cast<ptrdiff_t>(first) * head_size();
    dsp::AttentionWeights w{.t = t,
                            .values = dsp::values_handle(values, a_.values),
                            .table = units_.table,
                            .sum_a = sum_a_,
                            .sum_b = sum_b_,
                            .t_end = t + (count + 3) / 4 * 4,
                            .out = entries,
                            .values_step = static_cast<uint32_t>(2 * head_size()),
                            .lowest = new_lowest};
    dsp::weights_of_two_heads(w);
    sum_a_ = w.sum_a, sum_b_ = w.sum_b;
    if (shift_ == 0)
      add_values(entries, w.out, s_.acc);
    else
      add_shifted(entries, w.out);
  }

  void output(float* out) const {
    output(out, s_.acc, sum_a_);
    if (two_) output(out + head_size(), s_.acc + head_size(), sum_b_);
  }

 private:
  int head_size() const { return a_.head_size; }

  void scores(int first, int count, Word* t) {
    const int group_bytes = q8_key_group_bytes(head_size());
    const std::byte* const keys = a_.keys + static_cast<ptrdiff_t>(first / 4) * group_bytes;
    max_ = scores_of_two_heads(reinterpret_cast<const Word*>(keys), q8_key_elements(head_size()) / 4, xa_,
                               xb_, count, t, max_);
  }

  void grow(uint32_t from, uint32_t to) {
    const int a = static_cast<int16_t>(to) - static_cast<int16_t>(from);
    const int b = static_cast<int16_t>(to >> 16) - static_cast<int16_t>(from >> 16);
    if (a > 0) shrink(units_, a, a_.head_size, s_.acc, sum_a_);
    if (b > 0) shrink(units_, b, a_.head_size, s_.acc + a_.head_size, sum_b_);
  }

  void add_values(dsp::AttentionEntry* begin, dsp::AttentionEntry* end, int32_t* acc) const {
    values_of_two_heads(begin, end, a_.values, head_size(), acc);
  }

  void add_shifted(dsp::AttentionEntry* begin, dsp::AttentionEntry* end) const {
    for (int i = 0; i < 2 * a_.head_size; ++i) s_.sums[i] = 0;
    add_values(begin, end, s_.sums);
    for (int i = 0; i < 2 * a_.head_size; ++i) s_.acc[i] += s_.sums[i] >> shift_;
  }

  void output(float* out, const int32_t* acc, uint32_t sum) const {
    const float scale = attention_output_scale(a_.value_step, shift_, sum);
    for (int i = 0; i < head_size(); ++i) out[i] = static_cast<float>(acc[i]) * scale;
  }

  const AttentionQ8& a_;
  const AttentionQ8Scratch& s_;
  AttentionUnits units_;
  int shift_;
  bool two_;
  const Word* xa_;
  const Word* xb_;
  uint32_t max_ = both(INT16_MIN, INT16_MIN);
  uint32_t sum_a_ = 0;
  uint32_t sum_b_ = 0;
};

}  // namespace

void attention_q8(const AttentionQ8& a) {
  if (a.shape == HeadShape::kTwoOf8) return attention_heads8(a);
  const AttentionQ8Scratch s(a);
  const AttentionUnits units = attention_queries(a, a.heads, a.head_size, s.q);
  for (int head = 0; head < a.heads; head += 2) {
    TwoHeads heads(a, s, units, head);
    for (int first = 0; first <= a.last; first += kAttentionBlock)
      heads.block(first, a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock);
    heads.output(a.q + head * a.head_size);
  }
}

}  // namespace pico_llama::m33
