// Vectors of eight floats or int32 for the kernels <name>_host.cpp: one register from AVX2 on, two of SSE or
// NEON. Sums use 8 lanes in the order that the contracts state, so the bits do not depend on the instruction
// set. Products are rounded before they are added: never hn::MulAdd.
//
// Highway compiles this file and the kernels once for each instruction set, in a namespace each.
#if defined(PICO_LLAMA_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PICO_LLAMA_SIMD_INL_H_
#undef PICO_LLAMA_SIMD_INL_H_
#else
#define PICO_LLAMA_SIMD_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

#include "engine/math/exp.h"

/// Without SIMD the portable kernels are used (with Highway 1.0: on x86 before SSE4; 1.2 knows SSE2).
#undef PICO_LLAMA_HAVE_SIMD
#define PICO_LLAMA_HAVE_SIMD (HWY_TARGET != HWY_SCALAR)

/// After a kernel's code: host::name calls the best version for this CPU.
#undef PICO_LLAMA_HOST_KERNEL
#undef PICO_LLAMA_BASELINE_KERNEL
#if PICO_LLAMA_HAVE_SIMD
#define PICO_LLAMA_BASELINE_KERNEL(name, arguments)
#else
#define PICO_LLAMA_BASELINE_KERNEL(name, arguments)                  \
  namespace HWY_NAMESPACE {                                          \
  static void name(const arguments& a) { return portable::name(a); } \
  }
#endif
#if HWY_ONCE
#define PICO_LLAMA_HOST_KERNEL(name, arguments)                                 \
  namespace pico_llama {                                                        \
  PICO_LLAMA_BASELINE_KERNEL(name, arguments)                                   \
  HWY_EXPORT(name);                                                             \
  void host::name(const arguments& a) { return HWY_DYNAMIC_DISPATCH(name)(a); } \
  }
#else
#define PICO_LLAMA_HOST_KERNEL(name, arguments)
#endif

#if PICO_LLAMA_HAVE_SIMD
HWY_BEFORE_NAMESPACE();
namespace pico_llama {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, 8>;
using I = hn::CappedTag<int32_t, 8>;
inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(F()));
inline constexpr int kParts = 8 / kLanes;

struct Floats {
  hn::Vec<F> part[kParts];
};
struct Ints {
  hn::Vec<I> part[kParts];
};

// clang-format off
#define PICO_LLAMA_EACH_PART _Pragma("GCC unroll 2") for (int p = 0; p < kParts; ++p)
// clang-format on

HWY_INLINE Floats all(float x) {
  Floats y;
  PICO_LLAMA_EACH_PART y.part[p] = hn::Set(F(), x);
  return y;
}
HWY_INLINE Ints all(int32_t x) {
  Ints y;
  PICO_LLAMA_EACH_PART y.part[p] = hn::Set(I(), x);
  return y;
}
HWY_INLINE Floats load(const float* from) {
  Floats y;
  PICO_LLAMA_EACH_PART y.part[p] = hn::LoadU(F(), from + p * kLanes);
  return y;
}
HWY_INLINE Ints load(const int32_t* from) {
  Ints y;
  PICO_LLAMA_EACH_PART y.part[p] = hn::LoadU(I(), from + p * kLanes);
  return y;
}
HWY_INLINE void store(Floats x, float* to) {
  PICO_LLAMA_EACH_PART hn::StoreU(x.part[p], F(), to + p * kLanes);
}
HWY_INLINE void store(Ints x, int32_t* to) {
  PICO_LLAMA_EACH_PART hn::StoreU(x.part[p], I(), to + p * kLanes);
}

// Load or store the first n of eight (n may exceed 8). Only AVX2 and later have masked accesses that cannot
// fault.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
/// The remaining lanes are 0.
HWY_INLINE Floats load_first(const float* from, int n) {
  if (n >= 8) return load(from);
  return {{hn::MaskedLoad(hn::FirstN(F(), static_cast<size_t>(n)), F(), from)}};
}
HWY_INLINE Ints load_first(const int32_t* from, int n) {
  if (n >= 8) return load(from);
  return {{hn::MaskedLoad(hn::FirstN(I(), static_cast<size_t>(n)), I(), from)}};
}
HWY_INLINE void store_first(Floats x, float* to, int n) {
  if (n >= 8) return store(x, to);
  hn::BlendedStore(x.part[0], hn::FirstN(F(), static_cast<size_t>(n)), F(), to);
}
HWY_INLINE void store_first(Ints x, int32_t* to, int n) {
  if (n >= 8) return store(x, to);
  hn::BlendedStore(x.part[0], hn::FirstN(I(), static_cast<size_t>(n)), I(), to);
}
#else
HWY_INLINE Floats load_first(const float* from, int n) {
  if (n >= 8) return load(from);
  float eight[8] = {};
  for (int i = 0; i < n; ++i) eight[i] = from[i];
  return load(eight);
}
HWY_INLINE Ints load_first(const int32_t* from, int n) {
  if (n >= 8) return load(from);
  int32_t eight[8] = {};
  for (int i = 0; i < n; ++i) eight[i] = from[i];
  return load(eight);
}
HWY_INLINE void store_first(Floats x, float* to, int n) {
  if (n >= 8) return store(x, to);
  float eight[8];
  store(x, eight);
  for (int i = 0; i < n; ++i) to[i] = eight[i];
}
HWY_INLINE void store_first(Ints x, int32_t* to, int n) {
  if (n >= 8) return store(x, to);
  int32_t eight[8];
  store(x, eight);
  for (int i = 0; i < n; ++i) to[i] = eight[i];
}
#endif

HWY_INLINE Floats operator+(Floats a, Floats b) {
  PICO_LLAMA_EACH_PART a.part[p] = hn::Add(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE Floats operator-(Floats a, Floats b) {
  PICO_LLAMA_EACH_PART a.part[p] = hn::Sub(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE Floats operator*(Floats a, Floats b) {
  PICO_LLAMA_EACH_PART a.part[p] = hn::Mul(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE Floats operator/(Floats a, Floats b) {
  PICO_LLAMA_EACH_PART a.part[p] = hn::Div(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE Floats operator-(Floats a) {
  PICO_LLAMA_EACH_PART a.part[p] = hn::Neg(a.part[p]);
  return a;
}
HWY_INLINE Floats abs(Floats a) {
  PICO_LLAMA_EACH_PART a.part[p] = hn::Abs(a.part[p]);
  return a;
}

/// a > b ? a : b (b if either is NaN).
template <class V>
HWY_INLINE V larger_part(V a, V b) {
#if HWY_ARCH_X86
  return hn::Max(a, b);  // MAXPS is exactly that; Highway promises nothing about NaN
#else
  return hn::IfThenElse(hn::Gt(a, b), a, b);
#endif
}
template <class V>
HWY_INLINE V smaller_part(V a, V b) {
#if HWY_ARCH_X86
  return hn::Min(a, b);
#else
  return hn::IfThenElse(hn::Lt(a, b), a, b);
#endif
}
HWY_INLINE Floats larger(Floats a, Floats b) {
  PICO_LLAMA_EACH_PART a.part[p] = larger_part(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE Floats smaller(Floats a, Floats b) {
  PICO_LLAMA_EACH_PART a.part[p] = smaller_part(a.part[p], b.part[p]);
  return a;
}
template <class D, class V>
HWY_INLINE V first_of_part(D d, V a, V b, int n) {
  const int lanes = n < 0 ? 0 : n < kLanes ? n : kLanes;
  return hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(lanes)), a, b);
}
/// a in the first n lanes, b in the others.
HWY_INLINE Floats first_of(Floats a, Floats b, int n) {
  PICO_LLAMA_EACH_PART a.part[p] = first_of_part(F(), a.part[p], b.part[p], n - p * kLanes);
  return a;
}
HWY_INLINE Ints first_of(Ints a, Ints b, int n) {
  PICO_LLAMA_EACH_PART a.part[p] = first_of_part(I(), a.part[p], b.part[p], n - p * kLanes);
  return a;
}

using F4 = hn::CappedTag<float, 4>;

template <class Eight>
HWY_INLINE hn::Vec<F4> lanes_0_to_3(Eight x) {
  if constexpr (kParts == 1)
    return hn::LowerHalf(F4(), x.part[0]);
  else
    return x.part[0];
}
template <class Eight>
HWY_INLINE hn::Vec<F4> lanes_4_to_7(Eight x) {
  if constexpr (kParts == 1)
    return hn::UpperHalf(F4(), x.part[0]);
  else
    return x.part[kParts - 1];
}

/// ((0+4)+(2+6)) + ((1+5)+(3+7)), as engine/math/lanes.h.
HWY_INLINE float add_lanes(Floats x) {
  const auto four = hn::Add(lanes_0_to_3(x), lanes_4_to_7(x));
  const auto two = hn::Add(four, hn::Shuffle1032(four));
  return hn::GetLane(hn::Add(two, hn::Shuffle2301(two)));
}
/// Requires: no NaN.
HWY_INLINE float largest_lane(Floats x) {
  const auto four = hn::Max(lanes_0_to_3(x), lanes_4_to_7(x));
  const auto two = hn::Max(four, hn::Shuffle1032(four));
  return hn::GetLane(hn::Max(two, hn::Shuffle2301(two)));
}

/// engine/math/exp.h, operation for operation.
HWY_INLINE Floats exp(Floats x) {
  using namespace exp_constants;  // NOLINT
  x = smaller(all(kHighest), larger(all(kLowest), x));
  const Floats shifted = x * all(kLog2e) + all(kRoundToLowBits);
  const Floats n = shifted - all(kRoundToLowBits);
  const Floats r = (x - n * all(kLn2High)) - n * all(kLn2Low);
  const Floats poly = (((all(kC6) * r + all(kC5)) * r + all(kC4)) * r + all(kC3)) * r + all(kC2);
  Floats y = ((r * r) * poly + r) + all(1.0f);
  PICO_LLAMA_EACH_PART y.part[p] = hn::BitCast(
      F(), hn::Add(hn::BitCast(I(), y.part[p]), hn::ShiftLeft<23>(hn::BitCast(I(), shifted.part[p]))));
  return y;
}

/// engine/math/fixed.h's to_fixed(): truncated and saturated, 0 for NaN.
HWY_INLINE Ints to_fixed(Floats x) {
  Ints y;
  PICO_LLAMA_EACH_PART {
    const auto too_large = hn::Ge(x.part[p], hn::Set(F(), 2147483648.0f));
    const auto number = hn::Eq(x.part[p], x.part[p]);
    y.part[p] = hn::IfThenElse(hn::RebindMask(I(), too_large), hn::Set(I(), INT32_MAX),
                               hn::ConvertTo(I(), x.part[p]));
    y.part[p] = hn::IfThenElseZero(hn::RebindMask(I(), number), y.part[p]);
  }
  return y;
}

// ---- Integer multiply-accumulate

/// Sums of int16 products, two adjacent products per int32. Highway does not specify which of the two vectors
/// receives a product (on x86 the first); total() adds both.
template <class D32>
struct PairSums {
  hn::Vec<D32> sum0, sum1;
};
template <class D32>
HWY_INLINE PairSums<D32> zero_sums(D32 d) {
  return {hn::Zero(d), hn::Zero(d)};
}

template <class D32, class V16>
HWY_INLINE void multiply_add(PairSums<D32>& sums, V16 a, V16 b) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL && HWY_MAJOR == 1 && HWY_MINOR == 0
  // Highway 1.0 emits VPMADDWD and VPADDD here (a fifth slower in the q8 matmul); later versions emit
  // VPDPWSSD. The intrinsic cannot be used: 1.0 enables AVX-VNNI instead of AVX512-VNNI for this target, so
  // the compiler rejects it.
  if constexpr (sizeof(sums.sum0) == 64) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sums.sum0.raw) : "v"(a.raw), "v"(b.raw));
    return;
  }
#endif
  sums.sum0 = hn::ReorderWidenMulAccumulate(D32(), a, b, sums.sum0, sums.sum1);
}
template <class D32, class V16>
HWY_INLINE PairSums<D32> multiply(D32 d, V16 a, V16 b) {
  PairSums<D32> sums = zero_sums(d);
  sums.sum0 = hn::ReorderWidenMulAccumulate(d, a, b, sums.sum0, sums.sum1);
  return sums;
}
template <class D32>
HWY_INLINE hn::Vec<D32> total(PairSums<D32> sums) {
  return hn::RearrangeToOddPlusEven(sums.sum0, sums.sum1);
}

/// Half a vector; the other lanes are 0.
template <class D>
HWY_INLINE hn::Vec<D> load_half(D d, const hn::TFromD<D>* from) {
  return hn::ZeroExtendVector(d, hn::LoadU(hn::Half<D>(), from));
}

/// Even and odd elements of sixteen.
template <class Eight>
HWY_INLINE Eight even_of(Eight low, Eight high) {
  if constexpr (kParts == 1)
    return {{hn::ConcatEven(I(), high.part[0], low.part[0])}};
  else
    return {{hn::ConcatEven(I(), low.part[1], low.part[0]), hn::ConcatEven(I(), high.part[1], high.part[0])}};
}
template <class Eight>
HWY_INLINE Eight odd_of(Eight low, Eight high) {
  if constexpr (kParts == 1)
    return {{hn::ConcatOdd(I(), high.part[0], low.part[0])}};
  else
    return {{hn::ConcatOdd(I(), low.part[1], low.part[0]), hn::ConcatOdd(I(), high.part[1], high.part[0])}};
}

/// Sum of the vector's 128-bit blocks.
template <class D>
HWY_INLINE auto add_blocks(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) > 16) {
    const hn::Half<D> half;
    return add_blocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    (void)d;
    return v;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pico_llama
HWY_AFTER_NAMESPACE();
#endif  // PICO_LLAMA_HAVE_SIMD

#endif  // PICO_LLAMA_SIMD_INL_H_
