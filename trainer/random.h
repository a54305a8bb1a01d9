#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pico_llama::trainer {

/// One step of SplitMix64: also derives independent streams from (seed, index).
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 16.
inline uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The trainer's random number generator. Its state is one integer, so that a checkpoint can store it. Exact:
/// the same numbers on every machine and standard library (no std:: distributions).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  Random(uint64_t seed, uint64_t stream) : state_(mix64(seed) ^ mix64(stream * 2 + 1)) {}

  uint64_t next() {
    const uint64_t value = mix64(state_);
    state_ += 0x9e3779b97f4a7c15u;
    return value;
  }
  /// Uniform in [0, bound). Requires: bound > 0. The bias of the product method is below 2^-32 here.
  size_t below(size_t bound) { return static_cast<size_t>(((next() >> 32) * bound) >> 32); }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double probability) { return unit() < probability; }
  /// Approximately standard normal: the sum of twelve uniforms minus 6, so |x| <= 6.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += unit();
    return sum;
  }
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

}  // namespace pico_llama::trainer
