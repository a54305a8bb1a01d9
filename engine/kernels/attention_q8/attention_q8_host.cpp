// Integer attention, 8 words of keys, scores or values at a time. Integer sums are exact in any order; the
// fixed-point steps between them match the portable code lane by lane.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/attention_q8/attention_q8_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/attention_q8/attention_q8_parts.h"
#include "engine/kernels/simd/simd-inl.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

using I16 = hn::Repartition<int16_t, I>;

/// The int8 of bytes 0 and 2 of each word, and of bytes 1 and 3.
HWY_INLINE hn::Vec<I16> even_bytes(hn::Vec<I> w) {
  return hn::ShiftRight<8>(hn::ShiftLeft<8>(hn::BitCast(I16(), w)));
}
HWY_INLINE hn::Vec<I16> odd_bytes(hn::Vec<I> w) { return hn::ShiftRight<8>(hn::BitCast(I16(), w)); }

template <class V>
HWY_INLINE auto first_four(V v) {
  if constexpr (kParts == 1)
    return hn::LowerHalf(hn::CappedTag<int32_t, 4>(), v);
  else
    return v;
}

struct Sums {
  PairSums<I> part[kParts];
};
HWY_INLINE Sums zero_sums() {
  Sums s;
  PICO_LLAMA_EACH_PART s.part[p] = HWY_NAMESPACE::zero_sums(I());
  return s;
}
HWY_INLINE int32_t add_lanes(const Sums& s) {
  auto sum = total(s.part[0]);
  if constexpr (kParts == 2) sum = hn::Add(sum, total(s.part[kParts - 1]));
  return hn::GetLane(hn::SumOfLanes(I(), sum));
}

/// t[0..count) = x * keys, before multiplication with the keys' codes. Writes up to a multiple of 4.
HWY_INLINE void dots8(const AttentionQ8& a, int first, int count, const int16_t* x, int32_t* t) {
  // Heads of 8: a position's key is two words, so a group is eight. q: words 0 and 2 belong to the keys' even
  // bytes.
  const std::byte* group = a.keys + ptrdiff_t{first} / 4 * q8_key_group_bytes(8);
  int32_t q[4];
  std::memcpy(q, x, sizeof q);
  const int32_t even_words[8] = {q[0], q[2], q[0], q[2], q[0], q[2], q[0], q[2]};
  const int32_t odd_words[8] = {q[1], q[3], q[1], q[3], q[1], q[3], q[1], q[3]};
  const auto even = hn::BitCast(I16(), hn::LoadU(I(), even_words));
  const auto odd = hn::BitCast(I16(), hn::LoadU(I(), odd_words));
  for (int j = 0; j < count; j += 4, group += q8_key_group_bytes(8)) {
    hn::Vec<I> sums[kParts];
    PICO_LLAMA_EACH_PART {
      const auto w = hn::LoadU(I(), reinterpret_cast<const int32_t*>(group) + p * kLanes);
      PairSums<I> sum = HWY_NAMESPACE::zero_sums(I());
      multiply_add(sum, even_bytes(w), even);
      multiply_add(sum, odd_bytes(w), odd);
      sums[p] = total(sum);
    }
    // Neighbouring words belong to one position.
    const hn::CappedTag<int32_t, 4> i4;
    const auto low = hn::Add(sums[0], hn::Shuffle2301(sums[0]));
    const auto high = hn::Add(sums[kParts - 1], hn::Shuffle2301(sums[kParts - 1]));
    hn::StoreU(first_four(hn::ConcatEven(I(), high, low)), i4, t + j);
  }
}

/// Reorders a query to match keys: for each 8 key words, first the query words for their even bytes, then
/// those for their odd bytes.
HWY_INLINE void separate_query(int16_t* x, int words) {
  auto* const q = reinterpret_cast<int32_t*>(x);
  for (int i = 0; i < words; i += 8) {
    const int here = words - i < 8 ? words - i : 8;
    const Ints low = load_first(q + 2 * i, 2 * here);
    const Ints high = here > 4 ? load_first(q + 2 * i + 8, 2 * here - 8) : all(int32_t{0});
    store_first(even_of(low, high), q + 2 * i, here);
    store_first(odd_of(low, high), q + 2 * i + here, here);
  }
}

/// As dots8() for any head size; x as reordered by separate_query().
HWY_INLINE void dots(const AttentionQ8& a, int first, int count, const int16_t* x, int32_t* t) {
  if (a.head_size == 8) return dots8(a, first, count, x, t);
  const int words = q8_key_elements(a.head_size) / 4;
  const std::byte* group = a.keys + ptrdiff_t{first} / 4 * q8_key_group_bytes(a.head_size);
  const auto* const q = reinterpret_cast<const int32_t*>(x);
  for (int j = 0; j < count; ++j) {
    const auto* const key = reinterpret_cast<const int32_t*>(group) + j % 4 * words;
    Sums sums = zero_sums();
    for (int i = 0; i < words; i += 8) {
      const int here = words - i < 8 ? words - i : 8;
      const Ints w = load_first(key + i, here);
      const Ints even = load_first(q + 2 * i, here);
      const Ints odd = load_first(q + 2 * i + here, here);
      PICO_LLAMA_EACH_PART {
        multiply_add(sums.part[p], even_bytes(w.part[p]), hn::BitCast(I16(), even.part[p]));
        multiply_add(sums.part[p], odd_bytes(w.part[p]), hn::BitCast(I16(), odd.part[p]));
      }
    }
    t[j] = add_lanes(sums);
    if (j % 4 == 3) group += q8_key_group_bytes(a.head_size);
  }
}

/// acc += p * values: 8 words are 16 elements of two positions, separated into even and odd elements.
HWY_INLINE void add_values(const AttentionQ8& a, int first, int count, const int32_t* p_of, int shift,
                           int32_t* acc) {
  const int pairs = a.head_size / 2;
  const auto* const block = reinterpret_cast<const int32_t*>(a.values) + ptrdiff_t{first} / 2 * pairs;
  for (int i = 0; i < pairs; i += 8) {
    const int here = pairs - i < 8 ? pairs - i : 8;
    Sums even = zero_sums();
    Sums odd = zero_sums();
    for (int j = 0; j < count; j += 2) {
      const Ints v = load_first(block + ptrdiff_t{j} / 2 * pairs + i, here);
      const auto w = hn::BitCast(I16(), hn::Set(I(), p_of[j] | p_of[j + 1] << 16));
      PICO_LLAMA_EACH_PART {
        multiply_add(even.part[p], even_bytes(v.part[p]), w);
        multiply_add(odd.part[p], odd_bytes(v.part[p]), w);
      }
    }
    int32_t e[8];
    int32_t o[8];
    PICO_LLAMA_EACH_PART {
      hn::StoreU(total(even.part[p]), I(), e + p * kLanes);
      hn::StoreU(total(odd.part[p]), I(), o + p * kLanes);
    }
    for (int k = 0; k < here; ++k) {
      acc[2 * (i + k)] += e[k] >> shift;
      acc[2 * (i + k) + 1] += o[k] >> shift;
    }
  }
}

/// t = t * code >> 16 in place; returns the maximum of `max` and t. Processes up to a multiple of 4.
HWY_INLINE int scores(const AttentionQ8& a, int first, int count, int32_t* t, int max) {
  const hn::CappedTag<int32_t, 4> i4;
  const std::byte* codes = a.keys + (ptrdiff_t{first} / 4 + 1) * q8_key_group_bytes(a.head_size) - 4;
  auto maxima = hn::Set(i4, max);
  for (int j = 0; j < count; j += 4, codes += q8_key_group_bytes(a.head_size)) {
    const auto code = hn::PromoteTo(
        i4, hn::LoadU(hn::Rebind<uint8_t, decltype(i4)>(), reinterpret_cast<const uint8_t*>(codes)));
    const auto score = hn::ShiftRight<16>(hn::Mul(hn::LoadU(i4, t + j), code));
    hn::StoreU(score, i4, t + j);
    const int left = count - j;
    maxima = left >= 4
                 ? hn::Max(maxima, score)
                 : hn::Max(maxima, hn::IfThenElse(hn::FirstN(i4, static_cast<size_t>(left)), score, maxima));
  }
  return hn::GetLane(hn::MaxOfLanes(i4, maxima));
}

/// Replaces scores with weights (0 after count); returns their sum. Processes up to a multiple of 8.
HWY_INLINE uint32_t weights(const uint16_t* table, int lowest, int count, int32_t* t) {
  Ints sum = all(int32_t{0});
  for (int j = 0; j < count; j += 8) {
    Ints above = load(t + j);
    PICO_LLAMA_EACH_PART above.part[p] = hn::Max(hn::Zero(I()), hn::Sub(above.part[p], hn::Set(I(), lowest)));
    if (count - j < 8) above = first_of(above, all(int32_t{0}), count - j);
    PICO_LLAMA_EACH_PART {
      const auto word =
          hn::GatherOffset(I(), reinterpret_cast<const int32_t*>(table), hn::ShiftLeft<1>(above.part[p]));
      const auto weight = hn::And(word, hn::Set(I(), 0xffff));
      hn::StoreU(weight, I(), t + j + p * kLanes);
      sum.part[p] = hn::Add(sum.part[p], weight);
    }
  }
  auto all_lanes = sum.part[0];
  if constexpr (kParts == 2) all_lanes = hn::Add(all_lanes, sum.part[kParts - 1]);
  return static_cast<uint32_t>(hn::GetLane(hn::SumOfLanes(I(), all_lanes)));
}

HWY_INLINE void one_token(const AttentionQ8& a) {
  const int n = a.head_size;
  const AttentionQ8Scratch s(a);
  const AttentionUnits units = attention_queries(a.q, a.factor, a.heads, a.head_size, s.q);
  const int shift = attention_block_shift(a.last);
  for (int h = 0; h < a.heads; ++h) {
    int max = INT16_MIN;
    uint32_t sum = 0;
    for (int i = 0; i < n; ++i) s.acc[i] = 0;
    if (n != 8) separate_query(s.q + h * q8_key_elements(n), q8_key_elements(n) / 4);
    for (int first = 0; first <= a.last; first += kAttentionBlock) {
      const int count = a.last - first < kAttentionBlock ? a.last - first + 1 : kAttentionBlock;
      int32_t t[kAttentionBlock];
      dots(a, first, count, s.q + h * q8_key_elements(n), t);
      const int old_lowest = attention_lowest(max, units.steps);
      max = scores(a, first, count, t, max);
      const int lowest = attention_lowest(max, units.steps);
      if (lowest > old_lowest) rescale_sums(units, lowest - old_lowest, n, s.acc, sum);
      sum += weights(units.table, lowest, count, t);
      add_values(a, first, count, t, shift, s.acc);
    }
    const float scale = attention_output_scale(a.value_step, shift, sum);
    for (int i = 0; i < n; ++i) a.q[h * n + i] = static_cast<float>(s.acc[i]) * scale;
  }
}

void attention_q8(const AttentionQ8& a) {
  one_token(a);
  if (a.n_tokens == 2) one_token(second_token(a));
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(attention_q8, AttentionQ8)
