// argmax: the maximum eight elements at a time, then the first that equals it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/argmax/argmax_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/argmax/argmax.h"
#include "engine/kernels/simd/simd-inl.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

void argmax(const Argmax& a) {
  const Floats least = all(-__builtin_inff());
  Floats most = least;
  int i = 0;
  for (; i + 8 <= a.n; i += 8) most = larger(load(a.values + i), most);
  if (i < a.n) most = larger(first_of(load_first(a.values + i, a.n - i), least, a.n - i), most);
  const float max = largest_lane(most);
  int best = 0;
  while (best < a.n && a.values[best] != max) ++best;
  *a.index = best < a.n && max > -__builtin_inff() ? best : 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(argmax, Argmax)
