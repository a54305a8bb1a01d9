#include "engine/forward/rope.h"

#include <bit>
#include <cstdint>

namespace pico_llama {
namespace {

// A number as an unevaluated sum of two floats, about 48 bits: enough for correct rounding but for rare
// near-ties. Source: Dekker, "A floating-point technique for extending the available precision",
// 1971.
struct Pair {
  float high;
  float low;
};

Pair two_sum(float a, float b) {
  const float s = a + b;
  const float t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

Pair two_product(float a, float b) {
  const auto split = [](float v) -> Pair {
    const float high = std::bit_cast<float>(std::bit_cast<uint32_t>(v) & 0xfffff000u);
    return {high, v - high};
  };
  const float p = a * b;
  const Pair x = split(a);
  const Pair y = split(b);
  return {p, ((x.high * y.high - p) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

Pair add(Pair a, Pair b) {
  const Pair s = two_sum(a.high, b.high);
  return two_sum(s.high, s.low + (a.low + b.low));
}

Pair multiply(Pair a, Pair b) {
  const Pair p = two_product(a.high, b.high);
  return two_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

Pair divide(Pair a, Pair b) {
  const float q = a.high / b.high;
  const Pair rest = add(a, multiply({-q, 0}, b));
  return two_sum(q, (rest.high + rest.low) / b.high);
}

// e^y, from its series.
Pair exp_pair(Pair y);

// ln(x) for x > 0 by Newton's method: y += x e^-y - 1.
Pair log_pair(float x) {
  // Initial value: ln of the power of two below x; each iteration doubles the number of correct bits.
  const int exponent = static_cast<int>(std::bit_cast<uint32_t>(x) >> 23) - 127;
  Pair y = {static_cast<float>(exponent) * 0.693147181f, 0};
  for (int step = 0; step < 6; ++step) {
    const Pair ratio = multiply({x, 0}, exp_pair({-y.high, -y.low}));
    const Pair error = add(ratio, {-1.0f, 0});
    y = add(y, error);
  }
  return y;
}

Pair exp_pair(Pair y) {
  // e^y = (e^(y/256))^256: the series then needs few terms, and eight squarings cost three bits.
  Pair r = {y.high / 256.0f, y.low / 256.0f};
  Pair sum = {1.0f, 0};
  for (int k = 12; k >= 1; --k) sum = add({1.0f, 0}, divide(multiply(r, sum), {static_cast<float>(k), 0}));
  for (int k = 0; k < 8; ++k) sum = multiply(sum, sum);
  return sum;
}

// pi/2 in three floats.
constexpr float kHalfPi1 = 1.57079637f, kHalfPi2 = -4.37113883e-08f, kHalfPi3 = -1.71512451e-15f;

}  // namespace

float rope_frequency(float base, int pair, int head_size) {
  // llama2.c rounds three times: the exponent, the power and its inverse.
  const float exponent = static_cast<float>(2 * pair) / static_cast<float>(head_size);
  const Pair power = exp_pair(multiply({exponent, 0}, log_pair(base)));
  return 1.0f / (power.high + power.low);
}

void rope_row(const float* frequencies, int head_size, int pos, float* out) {
  for (int pair = 0; pair < head_size / 2; ++pair) {
    const float angle = static_cast<float>(pos) * frequencies[pair];
    // angle = quadrant * pi/2 + r, |r| <= pi/4.
    const int quadrant = static_cast<int>(angle * 0.636619747f + 0.5f);
    const float k = static_cast<float>(-quadrant);
    Pair r = add({angle, 0}, two_product(k, kHalfPi1));
    r = add(r, two_product(k, kHalfPi2));
    r = add(r, {k * kHalfPi3, 0});
    // Polynomials for sin(r)/r and cos(r), fitted at Chebyshev nodes of r^2.
    const float z = r.high * r.high;
    const float s = ((2.72496207e-06f * z + -0.000198400841f) * z + 0.00833333191f) * z + -0.16666666f;
    const float sin = r.high + (r.low + (r.high * z) * s);
    const float c = ((-2.73007033e-07f * z + 2.48005988e-05f) * z + -0.00138888881f) * z + 0.0416666679f;
    const Pair square = two_product(r.high, r.high);
    const Pair head = two_sum(1.0f, -0.5f * square.high);
    const float cos = head.high + (head.low + ((-0.5f * square.low - r.high * r.low) + (z * z) * c));
    const bool swap = (quadrant & 1) != 0;
    const float abs_cos = swap ? sin : cos;
    const float abs_sin = swap ? cos : sin;
    out[2 * pair] = ((quadrant + 1) & 2) != 0 ? -abs_cos : abs_cos;
    out[2 * pair + 1] = (quadrant & 2) != 0 ? -abs_sin : abs_sin;
  }
}

}  // namespace pico_llama
