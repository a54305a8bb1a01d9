// A kernel on every backend, random numbers for it, and comparisons of bits: shared by the kernels' tests,
// each of which compares every variant of its kernel with the portable reference, over even and odd shapes.
#pragma once
// Before any Highway header.
#include "engine/kernels/simd/targets.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace pico_llama {

template <typename Arguments>
using Kernel = void (*)(const Arguments&);

/// A kernel on one backend.
template <typename Arguments>
struct Variant {
  std::string name;
  Kernel<Arguments> kernel;
  int64_t target = 0;  ///< the one instruction set that Highway may choose; 0: any

  void run(const Arguments& a) const {
    hwy::SetSupportedTargetsForTest(target);
    kernel(a);
    hwy::SetSupportedTargetsForTest(0);
  }
};

/// `others` plus the host kernel on each compiled instruction set that this CPU supports.
template <typename Arguments>
std::vector<Variant<Arguments>> variants(std::vector<Variant<Arguments>> others, Kernel<Arguments> host) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets())
    others.push_back({std::string("host, ") + hwy::TargetName(target), host, target});
  return others;
}

/// Random numbers, the same on every machine.
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : random_(seed) {}
  float real(float size) { return (static_cast<float>(random_() % 20001) / 10000.0f - 1.0f) * size; }
  int integer(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
  }
  std::vector<float> reals(size_t n, float size) {
    std::vector<float> v(n);
    for (float& x : v) x = real(size);
    return v;
  }

 private:
  std::minstd_rand random_;
};

template <typename T>
::testing::AssertionResult same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return ::testing::AssertionFailure() << "sizes";
  for (size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0)
      return ::testing::AssertionFailure() << "at " << i << ": " << +a[i] << " and " << +b[i];
  return ::testing::AssertionSuccess();
}

/// Spreads column pairs as for two interleaved tokens (q8_place()); the gaps must stay untouched.
inline std::vector<int16_t> interleaved_with_another_token(const std::vector<int16_t>& x) {
  std::vector<int16_t> all(2 * x.size(), 99);
  for (size_t i = 0; i < x.size(); ++i) all[i / 2 * 4 + i % 2] = x[i];
  return all;
}

inline float max_abs_of(const std::vector<float>& v) {
  float largest = 0;
  for (const float x : v) largest = std::max(largest, std::fabs(x));
  return largest;
}

}  // namespace pico_llama
