#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "engine/model/model_image_layout.h"

namespace pico_llama::packer {

/// Memory where an image in RAM has the alignment its sections assume.
template <typename T>
struct ImageAllocator {
  using value_type = T;
  ImageAllocator() = default;
  template <typename U>
  explicit ImageAllocator(const ImageAllocator<U>&) {}
  // clang-format off: versions disagree about the blank after new and delete
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{kImageAlignment}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{kImageAlignment}); }
  // clang-format on
  friend bool operator==(const ImageAllocator&, const ImageAllocator&) { return true; }
};
using ImageBytes = std::vector<std::byte, ImageAllocator<std::byte>>;

}  // namespace pico_llama::packer
