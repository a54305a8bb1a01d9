#pragma once
#include <cstddef>
#include <new>
#include <vector>

namespace pico_llama::trainer {

/// Memory at a multiple of 64 bytes, for every array the mathematics works on. Eigen sums an array from its
/// first aligned element on: wherever malloc happened to put it, the last bits of a sum would change, and a
/// resumed training would not be the same training.
template <typename T>
struct Aligned {
  using value_type = T;
  Aligned() = default;
  template <typename U>
  explicit Aligned(const Aligned<U>&) {}
  // clang-format off: versions disagree about the blank after new and delete
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{64}); }
  // clang-format on
  friend bool operator==(const Aligned&, const Aligned&) { return true; }
};

template <typename T>
using AlignedVector = std::vector<T, Aligned<T>>;

}  // namespace pico_llama::trainer
