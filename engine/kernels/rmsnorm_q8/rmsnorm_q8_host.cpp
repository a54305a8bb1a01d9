// rmsnorm_q8, eight elements at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/rmsnorm_q8/rmsnorm_q8_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/kernels/rmsnorm_q8/rmsnorm_q8.h"
#include "engine/kernels/simd/simd-inl.h"
#include "engine/kernels/simd/store_rounded-inl.h"
#include "engine/math/rsqrt.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

void rmsnorm_q8(const RmsNormQ8& a) {
  float sum = a.squares[0];
  for (int i = 1; i < (a.n + 7) / 8; ++i) sum += a.squares[i];
  const float ss = rsqrt(sum / static_cast<float>(a.n) + a.eps);
  const auto limit = static_cast<float>(a.limit);
  *a.scale = ss * (a.max_abs / limit);
  const float factor = a.max_abs > 0 ? limit / a.max_abs : 0;
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  const int real = end < a.n ? end : a.n;
  const float* const x = a.x;
  const float* const weight = a.weight;
  int16_t* const out = a.out;
  const int step = a.step;
  int i = a.part.begin;
  for (; i + 8 <= real; i += 8)
    store_rounded((load(weight + i) * load(x + i)) * all(factor), out + i * step, step);
  for (; i < real; ++i) out[q8_element(i, step)] = round_to_int16((weight[i] * x[i]) * factor);
  for (; i < end; ++i) out[q8_element(i, step)] = 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(rmsnorm_q8, RmsNormQ8)
