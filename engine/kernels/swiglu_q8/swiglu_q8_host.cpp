// swiglu_q8, eight elements at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/swiglu_q8/swiglu_q8_host.cpp"
#include "engine/kernels/simd/targets.h"

#include <hwy/foreach_target.h>

#include "engine/kernels/simd/simd-inl.h"
#include "engine/kernels/swiglu_q8/swiglu_q8.h"
#include "engine/math/sigmoid_fixed.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

/// sigmoid_fixed() of eight numbers, as floats: the table's line is a pair of int16, so is its argument.
HWY_INLINE Floats sigmoid(Ints fixed) {
  const hn::Repartition<int16_t, I> d16;
  Floats y;
  PICO_LLAMA_EACH_PART {
    const auto x = fixed.part[p];
    auto line = hn::Add(hn::ShiftRight<kSigmoidFractionBits>(x), hn::Set(I(), kSigmoidLines / 2));
    line = hn::Min(hn::Max(line, hn::Zero(I())), hn::Set(I(), kSigmoidLines - 1));
    const auto word = hn::GatherIndex(I(), reinterpret_cast<const int32_t*>(kSigmoidTable.at), line);
    const auto along = hn::And(x, hn::Set(I(), (1 << kSigmoidFractionBits) - 1));
    const auto factors = hn::Or(hn::ShiftLeft<16>(along), hn::Set(I(), 1 << kSigmoidFractionBits));
    PairSums<I> sum = zero_sums(I());
    multiply_add(sum, hn::BitCast(d16, word), hn::BitCast(d16, factors));
    y.part[p] = hn::ConvertTo(F(), total(sum));
  }
  return y * all(0x1p-28f);
}

void swiglu_q8(const SwiGluQ8& a) {
  Floats max_abs = all(0.0f);
  for (int i = 0; i < a.n; i += 8) {
    const Floats h = load_first(a.hb + i, a.n - i);
    const Floats y = (h * sigmoid(to_fixed(h * all(65536.0f)))) * load_first(a.hb2 + i, a.n - i);
    store_first(y, a.hb + i, a.n - i);
    max_abs = larger(abs(y), max_abs);
  }
  *a.max_abs = largest_lane(max_abs);
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

PICO_LLAMA_HOST_KERNEL(swiglu_q8, SwiGluQ8)
