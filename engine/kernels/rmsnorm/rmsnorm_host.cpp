// rmsnorm, eight elements at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/rmsnorm/rmsnorm_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/rmsnorm/rmsnorm.h"
#include "engine/kernels/simd/simd-inl.h"
#include "engine/math/rsqrt.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

void rmsnorm(const RmsNorm& a) {
  Floats lanes = all(0.0f);
  for (int i = 0; i < a.n; i += 8) {
    // lanes past n are +0, which does not change a sum of squares
    const Floats x = load_first(a.x + i, a.n - i);
    lanes = lanes + x * x;
  }
  const float ss = rsqrt(add_lanes(lanes) / static_cast<float>(a.n) + a.eps);
  for (int i = 0; i < a.n; i += 8) {
    const Floats x = load_first(a.x + i, a.n - i);
    store_first(load_first(a.weight + i, a.n - i) * (all(ss) * x), a.out + i, a.n - i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(rmsnorm, RmsNorm)
