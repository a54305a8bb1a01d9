#pragma once
#include <cstddef>
#include <new>
#include <vector>

namespace pico_llama::trainer {

/// 64-byte aligned memory for all arrays. Eigen starts vectorised sums at the first aligned element, so with
/// malloc's alignment the last bits would vary and a resumed training would diverge.
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
