// Eight floats to int16, for quantize_q8 and rmsnorm_q8.
#if defined(PICO_LLAMA_STORE_ROUNDED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PICO_LLAMA_STORE_ROUNDED_INL_H_
#undef PICO_LLAMA_STORE_ROUNDED_INL_H_
#else
#define PICO_LLAMA_STORE_ROUNDED_INL_H_
#endif

#include "engine/kernels/simd/simd-inl.h"
#include "engine/math/round.h"

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

using D16 = hn::Repartition<int16_t, F>;

template <class V>
HWY_INLINE hn::Vec<hn::CappedTag<int16_t, 8>> first_eight(V v) {
  if constexpr (kParts == 1)
    return hn::LowerHalf(hn::CappedTag<int16_t, 8>(), v);
  else
    return v;
}

/// Column pairs are `step` words apart. The words between them belong to another token and are not touched:
/// its worker may be writing them.
HWY_INLINE void store_rounded(Floats y, int16_t* out, int step) {
  y = y + all(kRoundToLowBits);
  // The low half of each float. Not TruncateTo: Highway 1.0 swaps its index and data operands on AVX3_DL.
  const auto low = hn::BitCast(D16(), y.part[0]), high = hn::BitCast(D16(), y.part[kParts - 1]);
  const auto eight = first_eight(hn::ConcatEven(D16(), high, low));
  const hn::CappedTag<int16_t, 8> d;
  if (step == 1) [[likely]]
    return hn::StoreU(eight, d, out);
  int16_t pairs[8];
  hn::StoreU(eight, d, pairs);
  for (int pair = 0; pair < 4; ++pair) std::memcpy(out + ptrdiff_t{2} * pair * step, pairs + 2 * pair, 4);
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif

#endif  // PICO_LLAMA_STORE_ROUNDED_INL_H_
