// softmax_fixed on two elements at a time, interleaved to hide latencies.
#include "dsp.h"
#include "engine/kernels/softmax_fixed/softmax_fixed.h"
#include "engine/math/exp2_fixed.h"
#include "softmax_loop.h"

namespace pico_llama::m33 {

void softmax_fixed(const SoftmaxFixed& a) {
  static_assert(kExp2FractionBits == 27 && kExp2SegmentBits == 22 && kExp2Segments == 32);
  float* const end = a.logits + a.n / 2 * 2;
  dsp::SoftmaxPairs pairs{a.logits, end, kExp2Table.at, kExp2Slope, kExp2Bend, 0, a.max, a.factor};
  if (a.n >= 2) dsp::softmax_pairs(pairs);
  if (a.n % 2 != 0) {
    // Odd n: process the last element twice and count half of the sum.
    float last[2] = {*end, *end};
    const uint64_t others = pairs.sum;
    pairs = {last, last + 2, kExp2Table.at, kExp2Slope, kExp2Bend, 0, a.max, a.factor};
    dsp::softmax_pairs(pairs);
    *end = last[0];
    pairs.sum = others + pairs.sum / 2;
  }
  *a.sum = pairs.sum;
}

}  // namespace pico_llama::m33
