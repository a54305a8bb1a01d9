// swiglu_q8 four elements at a time: their chains of dependent operations fill each other's gaps. A line's
// start and climb are one word, so a SMUAD interpolates.
#include "dsp.h"
#include "engine/kernels/m33/kernels.h"
#include "engine/kernels/sigmoid_fixed.h"

namespace pico_llama::m33 {
namespace {

/// sigmoid_fixed() as a float.
inline float sigmoid(float x) {
  const int32_t fixed = dsp::to_fixed(x * 65536.0f);
  const int32_t line = dsp::ssat_asr<7, kSigmoidFractionBits>(fixed);
  const uint32_t along = static_cast<uint32_t>(fixed) & ((1u << kSigmoidFractionBits) - 1);
  const uint32_t factors = dsp::pkhbt_lsl16(1u << kSigmoidFractionBits, along);
  const uint32_t word = (kSigmoidTable.at + kSigmoidLines / 2)[line];
  return dsp::from_fixed<28>(dsp::smuad(word, factors));
}

}  // namespace

void swiglu_q8(const SwiGluQ8& a) {
  static_assert(kSigmoidLines == 1 << 7);
  float largest = 0;
  int i = 0;
  for (; i + 4 <= a.n; i += 4) {
    const float h0 = a.hb[i], h1 = a.hb[i + 1], h2 = a.hb[i + 2], h3 = a.hb[i + 3];
    const float g0 = a.hb2[i], g1 = a.hb2[i + 1], g2 = a.hb2[i + 2], g3 = a.hb2[i + 3];
    const float s0 = sigmoid(h0), s1 = sigmoid(h1), s2 = sigmoid(h2), s3 = sigmoid(h3);
    const float y0 = (h0 * s0) * g0, y1 = (h1 * s1) * g1, y2 = (h2 * s2) * g2, y3 = (h3 * s3) * g3;
    a.hb[i] = y0;
    a.hb[i + 1] = y1;
    a.hb[i + 2] = y2;
    a.hb[i + 3] = y3;
    largest = dsp::larger_size(dsp::larger_size(largest, y0), y1);
    largest = dsp::larger_size(dsp::larger_size(largest, y2), y3);
  }
  for (; i < a.n; ++i) {
    a.hb[i] = (a.hb[i] * sigmoid(a.hb[i])) * a.hb2[i];
    largest = dsp::larger_size(largest, a.hb[i]);
  }
  *a.largest = largest;
}

}  // namespace pico_llama::m33
