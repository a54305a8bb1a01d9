// residual_q8, eight elements at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/residual_q8/residual_q8_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/residual_q8/residual_q8.h"
#include "engine/kernels/simd/simd-inl.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

void residual_q8(const ResidualQ8& a) {
  Floats max_abs = all(0.0f);
  for (int i = 0; i < a.n; i += 8) {
    const Floats x = load_first(a.x + i, a.n - i) + load_first(a.more + i, a.n - i);
    store_first(x, a.x + i, a.n - i);
    a.squares[i / 8] = add_lanes(x * x);
    max_abs = larger(abs(load_first(a.weight + i, a.n - i) * x), max_abs);
  }
  *a.max_abs = largest_lane(max_abs);
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(residual_q8, ResidualQ8)
