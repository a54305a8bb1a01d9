#include <bit>

#include "engine/kernels/softmax_fixed/softmax_fixed.h"
#include "engine/math/exp2_fixed.h"
#include "engine/math/fixed.h"

namespace pico_llama::portable {

void softmax_fixed(const SoftmaxFixed& a) {
  uint64_t sum = 0;
  for (int i = 0; i < a.n; ++i) {
    const uint32_t weight = exp2_fixed(to_fixed_unsigned((a.max - a.logits[i]) * a.factor));
    a.logits[i] = std::bit_cast<float>(weight);
    sum += weight;
  }
  *a.sum = sum;
}

}  // namespace pico_llama::portable
