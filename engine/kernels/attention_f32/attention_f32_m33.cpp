// Attention in f32, two query heads at a time: each key and value is loaded once for both. The 8 positions of
// a block are 8 independent sums of the scores, 8 elements of the head those of the output.
#include "dsp.h"
#include "engine/kernels/attention_f32/attention_f32.h"
#include "engine/math/exp.h"
#include "engine/math/lanes.h"
#include "f32_columns.h"

namespace pico_llama::m33 {
namespace {

constexpr int kBlock = 8;  ///< positions, and elements of a head

/// Four numbers at once: each operation of an exp() waits for the one before it.
struct Four {
  float a, b, c, d;
};
inline Four operator+(Four x, float y) { return {x.a + y, x.b + y, x.c + y, x.d + y}; }
inline Four operator-(Four x, float y) { return {x.a - y, x.b - y, x.c - y, x.d - y}; }
inline Four operator*(Four x, float y) { return {x.a * y, x.b * y, x.c * y, x.d * y}; }
inline Four operator+(Four x, Four y) { return {x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d}; }
inline Four operator-(Four x, Four y) { return {x.a - y.a, x.b - y.b, x.c - y.c, x.d - y.d}; }
inline Four operator*(Four x, Four y) { return {x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d}; }

inline float add_to_exponent(float y, float shifted) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(y) + (std::bit_cast<uint32_t>(shifted) << 23));
}

/// exp() of engine/math/exp.h, step by step. Requires: no x > 0.
inline Four exp_of(Four x) {
  using namespace exp_constants;  // NOLINT
  x = {dsp::larger(x.a, kLowest), dsp::larger(x.b, kLowest), dsp::larger(x.c, kLowest),
       dsp::larger(x.d, kLowest)};
  const Four shifted = x * kLog2e + kRoundToLowBits;
  const Four n = shifted - kRoundToLowBits;
  const Four r = (x - n * kLn2High) - n * kLn2Low;
  const Four poly = (((r * kC6 + kC5) * r + kC4) * r + kC3) * r + kC2;
  const Four y = ((r * r) * poly + r) + 1.0f;
  return {add_to_exponent(y.a, shifted.a), add_to_exponent(y.b, shifted.b), add_to_exponent(y.c, shifted.c),
          add_to_exponent(y.d, shifted.d)};
}

/// A query head's running softmax.
struct Head {
  float lane[kBlock];
  float max;
};

[[gnu::noinline]] void rescale(Head& head, float max, float* acc, int head_size) {
  const float shrink = exp(head.max - max);
  for (float& sum : head.lane) sum *= shrink;
  // The two heads' elements alternate by eights.
  for (int i = 0; i < head_size; i += kBlock)
    for (int j = 0; j < kBlock; ++j) acc[2 * i + j] *= shrink;
  head.max = max;
}

/// s: the first `count` scores of a block become the weights exp(s - max); the others become unspecified.
[[gnu::noinline]] void weights_of_block(Head& head, float* s, int count, bool first, float* acc,
                                        int head_size) {
  float max = s[0];
  for (int j = 1; j < count; ++j) max = dsp::larger(max, s[j]);
  if (first)
    head.max = max;
  else if (max > head.max)
    rescale(head, max, acc, head_size);
  for (int j = 0; j < kBlock; j += 4) {
    const Four p = exp_of(Four{s[j], s[j + 1], s[j + 2], s[j + 3]} - head.max);
    s[j] = p.a, s[j + 1] = p.b, s[j + 2] = p.c, s[j + 3] = p.d;
  }
  for (int j = 0; j < count; ++j) head.lane[j] += s[j];
}

}  // namespace

void attention_f32(const AttentionF32& a) {
  const int n = a.head_size;
  if (n % kBlock != 0) return portable::attention_f32(a);
  float* const q = a.scratch;                                   // (2, head_size)
  float* const acc = q + 2 * n;                                 // (head_size / 8, 2, 8)
  float* const s = acc + 2 * n;                                 // (2, 8)
  auto* const heads = reinterpret_cast<Head*>(s + 2 * kBlock);  // not on the stack, which is short
  for (int head = 0; head < a.heads; head += 2) {
    float* const out0 = a.q + head * n;
    float* const out1 = head + 1 < a.heads ? out0 + n : out0;  // an odd last head is computed twice
    for (int i = 0; i < n; ++i) {
      q[i] = out0[i] * a.scale;
      q[n + i] = out1[i] * a.scale;
      acc[i] = acc[n + i] = 0;
    }
    for (int j = 0; j < kBlock; ++j) heads[0].lane[j] = heads[1].lane[j] = 0;
    for (int first = 0; first <= a.last; first += kBlock) {
      const int count = a.last - first < kBlock ? a.last - first + 1 : kBlock;
      // Scores of all eight, also of positions after the last one, whose keys are unspecified.
      for (int j = 0; j < 2 * kBlock; ++j) s[j] = 0;
      dsp::f32_columns_of_two(a.keys + first * n, kBlock, q, q + n, n, s);
      weights_of_block(heads[0], s, count, first == 0, acc, n);
      weights_of_block(heads[1], s + kBlock, count, first == 0, acc + kBlock, n);
      for (int i = 0; i < n; i += kBlock)
        dsp::f32_columns_of_two(a.values + first * n + i, n, s, s + kBlock, count, acc + 2 * i);
    }
    const float inverse0 = 1.0f / add_lanes(heads[0].lane);
    const float inverse1 = 1.0f / add_lanes(heads[1].lane);
    for (int i = 0; i < n; ++i) {
      const int at = i / kBlock * 2 * kBlock + i % kBlock;
      out0[i] = acc[at] * inverse0;
      out1[i] = acc[at + kBlock] * inverse1;
    }
  }
}

}  // namespace pico_llama::m33
