#include "engine/kernels/argmax/argmax.h"

namespace pico_llama::portable {

void argmax(const Argmax& a) {
  int best = 0;
  float most = -__builtin_inff();
  for (int i = 0; i < a.n; ++i) {
    if (!(a.values[i] > most)) continue;
    most = a.values[i];
    best = i;
  }
  *a.index = best;
}

}  // namespace pico_llama::portable
