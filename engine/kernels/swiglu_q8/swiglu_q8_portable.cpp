#include "engine/kernels/swiglu_q8/swiglu_q8.h"
#include "engine/math/fixed.h"
#include "engine/math/sigmoid_fixed.h"

namespace pico_llama::portable {

void swiglu_q8(const SwiGluQ8& a) {
  float max_abs = 0;
  for (int i = 0; i < a.n; ++i) {
    const float sigmoid = static_cast<float>(sigmoid_fixed(to_fixed(a.hb[i] * 65536.0f))) * 0x1p-28f;
    a.hb[i] = (a.hb[i] * sigmoid) * a.hb2[i];
    const float size = a.hb[i] < 0 ? -a.hb[i] : a.hb[i];
    max_abs = size > max_abs ? size : max_abs;
  }
  *a.max_abs = max_abs;
}

}  // namespace pico_llama::portable
