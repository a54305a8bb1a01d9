// swiglu, eight elements at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/swiglu/swiglu_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/simd/simd-inl.h"
#include "engine/kernels/swiglu/swiglu.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

void swiglu(const SwiGlu& a) {
  for (int i = 0; i < a.n; i += 8) {
    const Floats h = load_first(a.hb + i, a.n - i);
    const Floats silu = h * (all(1.0f) / (all(1.0f) + exp(-h)));
    store_first(silu * load_first(a.hb2 + i, a.n - i), a.hb + i, a.n - i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(swiglu, SwiGlu)
