#include "engine/kernels/swiglu/swiglu.h"
#include "engine/math/exp.h"

namespace pico_llama::portable {

void swiglu(const SwiGlu& a) {
  for (int i = 0; i < a.n; ++i) {
    const float h = a.hb[i];
    a.hb[i] = (h * (1.0f / (1.0f + exp(-h)))) * a.hb2[i];
  }
}

}  // namespace pico_llama::portable
