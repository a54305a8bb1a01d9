// swiglu_q8 four elements at a time; the last few of a vector one at a time, as in the contract.
#include "dsp.h"
#include "engine/kernels/swiglu_q8/swiglu_q8.h"
#include "engine/math/sigmoid_fixed.h"
#include "swiglu_fours.h"

namespace pico_llama::m33 {

void swiglu_q8(const SwiGluQ8& a) {
  static_assert(kSigmoidLines == 1 << 7 && kSigmoidFractionBits == 13);
  const int n_whole = a.n / 4 * 4;
  float max_abs = 0;
  if (n_whole > 0) max_abs = dsp::swiglu_fours(a.hb, a.hb2, n_whole, kSigmoidTable.at + kSigmoidLines / 2);
  for (int i = n_whole; i < a.n; ++i) {
    const auto sigmoid = static_cast<float>(sigmoid_fixed(dsp::to_fixed(a.hb[i] * 65536.0f)));
    a.hb[i] = (a.hb[i] * (sigmoid * (1.0f / (1 << 28)))) * a.hb2[i];
    max_abs = dsp::max_abs(max_abs, a.hb[i]);
  }
  *a.max_abs = max_abs;
}

}  // namespace pico_llama::m33
