#include "engine/kernels/host/matmul_q4_simd.h"
#include "engine/kernels/host_kernels.h"

namespace pico_llama::avx2 {
namespace {

struct Avx2 {
  using V = __m256i;
  static constexpr int kPairs = 4;

  static V zero() { return _mm256_setzero_si256(); }
  static V load(const std::byte* w) { return _mm256_loadu_si256(reinterpret_cast<const V*>(w)); }
  /// Each pair's x0 x1 twice.
  static V load_x(const int16_t* x) {
    const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(pairs),
                                       _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
  }
  template <int kShift>
  static V top_nibbles(V w) {
    return _mm256_and_si256(_mm256_slli_epi16(w, kShift), _mm256_set1_epi16(static_cast<int16_t>(0xf000)));
  }
  static V multiply(V w, V x) { return _mm256_madd_epi16(w, x); }
  static V multiply_add(V sum, V w, V x) { return _mm256_add_epi32(sum, _mm256_madd_epi16(w, x)); }
  static V add(V a, V b) { return _mm256_add_epi32(a, b); }
  static V shift_down(V sum) { return _mm256_srai_epi32(sum, 12); }
  static V times(V sum, V code) { return _mm256_mullo_epi32(sum, code); }
  /// Bytes n and 4 + n, alternating.
  static V codes_of(__m128i bytes, int n) {
    const __m128i two =
        _mm_cvtepi8_epi32(_mm_shuffle_epi8(bytes, _mm_set1_epi16(static_cast<int16_t>(0x0400 + 0x0101 * n))));
    return _mm256_broadcastsi128_si256(two);
  }
  static __m128i sum_of_quarters(V v) {
    return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  }
};

}  // namespace

void matmul_q4(const MatmulQ4& a) { matmul_q4_simd<Avx2>(a); }

}  // namespace pico_llama::avx2
