// Two heads of 8 (HeadShape::kTwoOf8, stories260K): all sizes are constants, the loops are assembly, and
// between blocks only the loops' arguments are kept in memory.
#include "engine/kernels/attention_q8/attention_two_heads.h"

namespace pico_llama::m33 {
namespace {

struct Loops8 {
  static constexpr int head_size(const AttentionQ8&) { return 8; }

  /// The queries are the two heads of a token, one after the other.
  static uint32_t scores(const AttentionQ8&, const std::byte* keys, const TwoQueries& q, int count,
                         uint32_t* t, uint32_t max, bool /*is_end*/) {
    const int16_t* const x = q.xa;
    const int groups = count / 4;
    if (groups > 0) max = dsp::scores_of_two_heads8(keys, x, groups, t, max);
    if (count % 4 != 0) {
      // The last group is partial: positions after `last` must not affect the maximum.
      uint32_t* at = t + groups * 4;
      dsp::scores_of_two_heads8(keys + groups * q8_key_group_bytes(8), x, 1, at, max);
      int j = 0;
      for (; j < count % 4; ++j) max = dsp::max16(*at++, max);
      for (; j < 4; ++j) *at++ = kLowestScores;
    }
    return max;
  }

  /// Writes another entry, of weight 0, where their number is odd.
  static void add_values(const AttentionQ8& a, dsp::AttentionEntry* begin, dsp::AttentionEntry* end,
                         int32_t* acc) {
    if ((end - begin) % 2 != 0) *end++ = {0, 0, begin->values};
    dsp::values_of_two_heads8(begin, end, a.values, acc);
  }
};

}  // namespace

void attention_two_heads8(const AttentionQ8& a) {
  const AttentionQ8Scratch s(a);
  attention_two_queries<Loops8>(a, s, attention_queries(a.q, a.factor, 2, 8, s.q),
                                {s.q, s.q + 8, a.q, a.q + 8, a.last});
}

}  // namespace pico_llama::m33
