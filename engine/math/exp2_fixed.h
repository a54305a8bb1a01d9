// 2^-x in fixed point: a table of 32 points per octave, a parabola around each.
#pragma once
#include <cstdint>

namespace pico_llama {

inline constexpr int kExp2FractionBits = 27;  ///< of the argument of exp2_fixed(), in octaves
inline constexpr int kExp2Segments = 32;      ///< per octave
inline constexpr int kExp2SegmentBits = 22;   ///< fraction bits within a segment

/// 1 - 2^-(s / 64) = s * (slope - bend * s) for s from -1 to 1, within 5.3e-8: the first terms of the series,
/// with three quarters of the third-order term folded into the slope, which minimises the error. 33 and 34
/// fractional bits.
inline constexpr int32_t kExp2Slope = 93034004;
inline constexpr int32_t kExp2Bend = 1007583;

struct Exp2Table {
  uint32_t at[kExp2Segments];
};

/// 2^-x in the middle of each segment, with 31 fractional bits.
inline constexpr Exp2Table kExp2Table = [] {
  constexpr uint32_t kHalfSegment = 4248701965u;  // 2^-(1/64) with 32 fractional bits
  constexpr uint32_t kPowers[] = {4202935003u, 4112874773u, 3938502376u, 3611622603u,
                                  3037000500u};  // 2^-(1/32), 2^-(1/16), ..., 2^-(1/2)
  Exp2Table table{};
  for (int i = 0; i < kExp2Segments; ++i) {
    uint64_t x = kHalfSegment;
    for (int bit = 0; bit < 5; ++bit)
      if ((i >> bit & 1) != 0) x = x * kPowers[bit] >> 32;
    table.at[i] = static_cast<uint32_t>((x + 1) >> 1);
  }
  return table;
}();

/// 2^-(x / 2^27) with 31 fractional bits, decreasing with x. Error: within 5.5e-8 of the value, then rounded
/// down to a multiple of 2^-31.
constexpr uint32_t exp2_fixed(uint32_t x) {
  const auto times = [](int32_t a, int32_t b) { return static_cast<uint64_t>(int64_t{a} * b); };
  // Each is the upper word of a whole difference, as SMMLS has it.
  const auto less = [](int32_t a, uint64_t product) {
    return static_cast<int32_t>(((static_cast<uint64_t>(a) << 32) - product) >> 32);
  };
  const auto middle = static_cast<int32_t>(kExp2Table.at[x >> kExp2SegmentBits & (kExp2Segments - 1)]);
  const auto s = static_cast<int32_t>(x << 10 ^ 0x80000000u);
  const int32_t slope = less(kExp2Slope, times(s, kExp2Bend));
  const auto fall = static_cast<int32_t>(times(s, slope) >> 32);
  return static_cast<uint32_t>(less(middle, times(middle, fall))) >> (x >> kExp2FractionBits);
}

}  // namespace pico_llama
