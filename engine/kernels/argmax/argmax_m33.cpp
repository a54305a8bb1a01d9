// argmax: searches for the index only in 8-element groups that contain a new maximum, which are few.
#include "dsp.h"
#include "engine/kernels/argmax/argmax.h"

namespace pico_llama::m33 {

void argmax(const Argmax& a) {
  int best = 0;
  float most = -__builtin_inff();
  int i = 0;
  for (; i + 8 <= a.n; i += 8) {
    const float* v = a.values + i;
    const float here = dsp::larger(dsp::larger(dsp::larger(v[0], v[1]), dsp::larger(v[2], v[3])),
                                   dsp::larger(dsp::larger(v[4], v[5]), dsp::larger(v[6], v[7])));
    if (!(here > most)) continue;
    most = here;
    best = i;
    while (a.values[best] != most) ++best;
  }
  for (; i < a.n; ++i) {
    if (!(a.values[i] > most)) continue;
    most = a.values[i];
    best = i;
  }
  *a.index = best;
}

}  // namespace pico_llama::m33
