#include "engine/kernels/host/matmul_q4_simd.h"
#include "engine/kernels/host_kernels.h"

namespace pico_llama::avx512 {
namespace {

struct Avx512 {
  using V = __m512i;
  static constexpr int kPairs = 8;

  static V zero() { return _mm512_setzero_si512(); }
  static V load(const std::byte* w) { return _mm512_loadu_si512(w); }
  /// Each pair's x0 x1 twice.
  static V load_x(const int16_t* x) {
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
    const V index = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_epi32(index, _mm512_castsi256_si512(pairs));
  }
  template <int kShift>
  static V top_nibbles(V w) {
    return _mm512_and_si512(_mm512_slli_epi16(w, kShift), _mm512_set1_epi32(static_cast<int>(0xf000f000)));
  }
  static V multiply(V w, V x) { return _mm512_madd_epi16(w, x); }
  static V multiply_add(V sum, V w, V x) { return _mm512_dpwssd_epi32(sum, w, x); }
  static V add(V a, V b) { return _mm512_add_epi32(a, b); }
  static V shift_down(V sum) { return _mm512_srai_epi32(sum, 12); }
  static V times(V sum, V code) { return _mm512_mullo_epi32(sum, code); }
  /// Bytes n and 4 + n, alternating.
  static V codes_of(__m128i bytes, int n) {
    const __m128i two =
        _mm_cvtepi8_epi32(_mm_shuffle_epi8(bytes, _mm_set1_epi16(static_cast<int16_t>(0x0400 + 0x0101 * n))));
    return _mm512_broadcast_i32x4(two);
  }
  static __m128i sum_of_quarters(V v) {
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  }
};

}  // namespace

void matmul_q4(const MatmulQ4& a) { matmul_q4_simd<Avx512>(a); }

}  // namespace pico_llama::avx512
