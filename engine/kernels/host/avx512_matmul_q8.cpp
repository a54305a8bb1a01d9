#include "engine/kernels/host/matmul_q8_simd.h"
#include "engine/kernels/host_kernels.h"

namespace pico_llama::avx512 {
namespace {

struct Avx512 {
  using V = __m512i;
  static constexpr int kPairs = 4;  // a rest is always 2

  static V zero() { return _mm512_setzero_si512(); }
  static V load_w(const std::byte* w, int count) {
    return count == kPairs ? _mm512_loadu_si512(w) : _mm512_maskz_loadu_epi32(0x00ff, w);
  }
  /// Each pair's x0 x1 four times.
  static V load_x(const int16_t* x, int count) {
    const __m128i pairs = count == kPairs ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(x))
                                          : _mm_loadl_epi64(reinterpret_cast<const __m128i*>(x));
    const V index = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return _mm512_permutexvar_epi32(index, _mm512_castsi128_si512(pairs));
  }
  static void load_two_x(const int16_t* x, int count, V& first, V& second) {
    const __m256i words = count == kPairs
                              ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x))
                              : _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    const V all = _mm512_castsi256_si512(words);
    const V index = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
    first = _mm512_permutexvar_epi32(index, all);
    second = _mm512_permutexvar_epi32(_mm512_add_epi32(index, _mm512_set1_epi32(1)), all);
  }
  static V low_bytes(V w) { return _mm512_srai_epi16(_mm512_slli_epi16(w, 8), 8); }
  static V high_bytes(V w, V low) { return _mm512_srai_epi16(_mm512_sub_epi16(w, low), 8); }
  static V multiply_add(V sum, V w, V x) { return _mm512_dpwssd_epi32(sum, w, x); }
  static __m128i sum_of_pairs(V v) {
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  }
};

}  // namespace

void matmul_q8(const MatmulQ8& a) { matmul_q8_simd<Avx512>(a); }

}  // namespace pico_llama::avx512
