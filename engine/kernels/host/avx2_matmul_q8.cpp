#include "engine/kernels/host/matmul_q8_simd.h"
#include "engine/kernels/host_kernels.h"

namespace pico_llama::avx2 {
namespace {

struct Avx2 {
  using V = __m256i;
  static constexpr int kPairs = 2;  // and never a rest: columns come in fours

  static V zero() { return _mm256_setzero_si256(); }
  static V load_w(const std::byte* w, int) { return _mm256_loadu_si256(reinterpret_cast<const V*>(w)); }
  /// x0 x1 of the first pair four times, then of the second.
  static V load_x(const int16_t* x, int) {
    const __m128i both = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(x));
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(both),
                                       _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
  }
  static void load_two_x(const int16_t* x, int, V& first, V& second) {
    const V all = _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    first = _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2));
    second = _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(1, 1, 1, 1, 3, 3, 3, 3));
  }
  static V low_bytes(V w) { return _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8); }
  static V high_bytes(V w, V low) { return _mm256_srai_epi16(_mm256_sub_epi16(w, low), 8); }
  static V multiply_add(V sum, V w, V x) { return _mm256_add_epi32(sum, _mm256_madd_epi16(w, x)); }
  static __m128i sum_of_pairs(V v) {
    return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  }
};

}  // namespace

void matmul_q8(const MatmulQ8& a) { matmul_q8_simd<Avx2>(a); }

}  // namespace pico_llama::avx2
