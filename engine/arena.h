// Allocates from one span of memory that the caller provides; nothing is freed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/check.h"

namespace pico_llama {

/// Hands out aligned pieces of a span. A counting arena (no memory behind it) runs the same code to find how
/// much memory it needs, so bytes_needed() always equals what is allocated.
class Arena {
 public:
  static constexpr size_t kAlignment = 64;

  /// Counts only: alloc() returns null pointers.
  Arena() = default;
  explicit Arena(std::span<std::byte> memory) : memory_(memory), counting_(false) {}

  /// Uninitialised memory for n of T, aligned to `alignment`. Traps when the span is used up: callers compare
  /// with bytes_needed() first.
  template <typename T>
  T* alloc(size_t n, size_t alignment = alignof(T)) {
    return static_cast<T*>(alloc_bytes(n * sizeof(T), alignment));
  }

  /// Bytes taken so far, padding included.
  size_t used() const { return used_; }
  bool counting() const { return counting_; }

 private:
  [[gnu::cold]] void* alloc_bytes(size_t bytes, size_t alignment) {
    const uintptr_t base = counting_ ? 0 : reinterpret_cast<uintptr_t>(memory_.data());
    const size_t padding = (alignment - (base + used_) % alignment) % alignment;
    used_ += padding + bytes;
    if (counting_) return nullptr;
    CHECK(used_ <= memory_.size());
    return memory_.data() + (used_ - bytes);
  }

  std::span<std::byte> memory_{};
  size_t used_ = 0;
  bool counting_ = true;
};

}  // namespace pico_llama
