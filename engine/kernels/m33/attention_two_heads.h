// Integer attention with SMLAD, two query heads at a time: each word of keys and values is unpacked once for
// both. Positions where neither head has a weight cost their scores and no more.
#pragma once
#include "attention_loops.h"
#include "dsp.h"
#include "engine/kernels/attention_q8_parts.h"

namespace pico_llama::m33 {

using Word [[gnu::may_alias]] = uint32_t;

/// attention_q8() of two heads of 8 elements.
void attention_heads8(const AttentionQ8& a);
/// The inner loops on heads of any size, as dsp::scores_of_two_heads8 and dsp::values_of_two_heads8.
uint32_t scores_of_two_heads(const Word* keys, int words, const Word* xa, const Word* xb, int positions,
                             Word* t, uint32_t max);
void values_of_two_heads(const dsp::AttentionEntry* begin, const dsp::AttentionEntry* end, const void* base,
                         int head_size, int32_t* acc);

namespace {

/// Both heads' halves of a word of scores.
constexpr uint32_t both(int a, int b) {
  return (static_cast<uint32_t>(a) & 0xffff) | static_cast<uint32_t>(b) << 16;
}

/// Two heads of one call, or one that is computed twice. kHeadSize: 8, with its loops in assembly and two
/// heads only (stories260K), or 0 for any.
template <int kHeadSize>
class TwoHeads {
 public:
  TwoHeads(const AttentionQ8& a, const AttentionQ8Scratch& s, AttentionUnits units, int head)
      : a_(a),
        s_(s),
        units_(units),
        shift_(attention_block_shift(a.last)),
        two_(kHeadSize != 0 || head + 1 < a.heads) {
    const int x_words = q8_key_elements(head_size()) / 2;
    xa_ = reinterpret_cast<const Word*>(s.q) + head * x_words;
    xb_ = two_ ? xa_ + x_words : xa_;
    for (int i = 0; i < 2 * head_size(); ++i) s.acc[i] = 0;
  }

  /// Positions from `first` on, at most kAttentionBlock.
  void block(int first, int count) {
    auto* const t = reinterpret_cast<Word*>(s_.block) + kAttentionBlockBytes / 4 - kAttentionBlock;
    const uint32_t old_lowest = lowest(max_);
    scores(first, count, t);
    if (count % 2 != 0) t[count] = both(INT16_MIN, INT16_MIN);
    const uint32_t new_lowest = lowest(max_);
    if (new_lowest != old_lowest && first != 0) grow(old_lowest, new_lowest);

    auto* const entries = reinterpret_cast<dsp::AttentionEntry*>(s_.block);
    const std::byte* const values = a_.values + static_cast<ptrdiff_t>(first) * head_size();
    dsp::AttentionWeights w{.t = t,
                            .values = dsp::values_handle(values, a_.values),
                            .table = units_.table,
                            .sum_a = sum_a_,
                            .sum_b = sum_b_,
                            .t_end = t + (count + 1) / 2 * 2,
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
  int head_size() const { return kHeadSize != 0 ? kHeadSize : a_.head_size; }

  uint32_t lowest(uint32_t max) const {
    return both(attention_lowest(static_cast<int16_t>(max), units_.steps),
                attention_lowest(static_cast<int16_t>(max >> 16), units_.steps));
  }

  void scores(int first, int count, Word* t) {
    const int group_bytes = q8_key_group_bytes(head_size());
    const std::byte* const keys = a_.keys + static_cast<ptrdiff_t>(first / 4) * group_bytes;
    if constexpr (kHeadSize == 8) {
      const int groups = count / 4;
      if (groups > 0) max_ = dsp::scores_of_two_heads8(keys, xa_, groups, t, max_);
      if (count % 4 == 0) return;
      // The last group is not full: what lies behind must not count as a maximum.
      dsp::scores_of_two_heads8(keys + groups * group_bytes, xa_, 1, t + groups * 4, max_);
      for (int j = groups * 4; j < count; ++j) max_ = dsp::max16(t[j], max_);
    } else {
      max_ = scores_of_two_heads(reinterpret_cast<const Word*>(keys), q8_key_elements(head_size()) / 4, xa_,
                                 xb_, count, t, max_);
    }
  }

  // Not inlined, and with sizes that are no constants: what runs at most once a block.
  [[gnu::noinline]] void grow(uint32_t from, uint32_t to) {
    const int a = static_cast<int16_t>(to) - static_cast<int16_t>(from);
    const int b = static_cast<int16_t>(to >> 16) - static_cast<int16_t>(from >> 16);
    if (a > 0) shrink(units_, a, a_.head_size, s_.acc, sum_a_);
    if (b > 0) shrink(units_, b, a_.head_size, s_.acc + a_.head_size, sum_b_);
  }

  void add_values(dsp::AttentionEntry* begin, dsp::AttentionEntry* end, int32_t* acc) const {
    if constexpr (kHeadSize == 8) {
      if ((end - begin) % 2 != 0) *end++ = {0, 0, begin->values};
      if (begin != end) dsp::values_of_two_heads8(begin, end, a_.values, acc);
    } else {
      values_of_two_heads(begin, end, a_.values, head_size(), acc);
    }
  }

  [[gnu::noinline]] void add_shifted(dsp::AttentionEntry* begin, dsp::AttentionEntry* end) const {
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

template <int kHeadSize>
void all_blocks(const AttentionQ8& a, const AttentionQ8Scratch& s, AttentionUnits units, int head) {
  TwoHeads<kHeadSize> heads(a, s, units, head);
  for (int first = 0; first <= a.last; first += kAttentionBlock)
    heads.block(first, a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock);
  heads.output(a.q + head * a.head_size);
}

}  // namespace
}  // namespace pico_llama::m33
