// swiglu two elements at a time: the chains of dependent FPU operations of one fill the gaps of the other.
// exp()'s clamps, which cost a transfer of flags each, are behind one integer comparison that both elements
// share.
#include <bit>

#include "engine/kernels/m33/kernels.h"
#include "engine/kernels/portable/kernels.h"
#include "engine/math/exp.h"

namespace pico_llama::m33 {
namespace {

/// NaN and infinity have larger bits too.
inline bool within_exp(float x) {
  return (std::bit_cast<uint32_t>(x) & 0x7fffffffu) <= std::bit_cast<uint32_t>(-exp_constants::kLowest);
}

/// exp() without its clamps. Requires: within_exp(x).
inline float exp_within(float x) {
  using namespace exp_constants;  // NOLINT
  const float shifted = x * kLog2e + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  const float poly = (((kC6 * r + kC5) * r + kC4) * r + kC3) * r + kC2;
  const float y = ((r * r) * poly + r) + 1.0f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(y) + (std::bit_cast<uint32_t>(shifted) << 23));
}

}  // namespace

void swiglu(const SwiGlu& a) {
  int i = 0;
  for (; i + 2 <= a.n; i += 2) {
    const float h0 = a.hb[i], h1 = a.hb[i + 1];
    if (!within_exp(h0) || !within_exp(h1)) [[unlikely]] {
      portable::swiglu({a.hb + i, a.hb2 + i, 2});
      continue;
    }
    const float g0 = a.hb2[i], g1 = a.hb2[i + 1];
    const float e0 = exp_within(-h0), e1 = exp_within(-h1);
    a.hb[i] = (h0 * (1.0f / (1.0f + e0))) * g0;
    a.hb[i + 1] = (h1 * (1.0f / (1.0f + e1))) * g1;
  }
  if (i < a.n) portable::swiglu({a.hb + i, a.hb2 + i, 1});
}

}  // namespace pico_llama::m33
