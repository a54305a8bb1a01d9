// quantize_q8, eight elements at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/quantize_q8/quantize_q8_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/kernels/quantize_q8/quantize_q8.h"
#include "engine/kernels/simd/simd-inl.h"
#include "engine/kernels/simd/store_rounded-inl.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

void quantize_q8(const QuantizeQ8& a) {
  float max = a.max_abs;
  if (max < 0) {
    Floats max_abs = all(0.0f);
    for (int i = 0; i < a.columns; i += 8) max_abs = larger(abs(load_first(a.x + i, a.columns - i)), max_abs);
    max = largest_lane(max_abs);
  }
  const auto limit = static_cast<float>(a.limit);
  *a.scale = max / limit;
  const float factor = max > 0 ? limit / max : 0;
  const int end = a.part.end < a.padded_columns ? a.part.end : a.padded_columns;
  const int real = end < a.columns ? end : a.columns;
  const float* const x = a.x;
  int16_t* const out = a.out;
  const int step = a.step;
  int i = a.part.begin;
  for (; i + 8 <= real; i += 8) store_rounded(load(x + i) * all(factor), out + i * step, step);
  for (; i < real; ++i) out[q8_element(i, step)] = round_to_int16(x[i] * factor);
  for (; i < end; ++i) out[q8_element(i, step)] = 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(quantize_q8, QuantizeQ8)
