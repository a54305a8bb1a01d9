#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <vector>

#include "engine/model_image_layout.h"
#include "tools/checkpoint/checkpoint.h"
#include "tools/checkpoint/tokenizer_file.h"

namespace pico_llama::packer {

/// Memory where an image in RAM has the alignment its sections assume.
template <typename T>
struct ImageAllocator {
  using value_type = T;
  ImageAllocator() = default;
  template <typename U>
  explicit ImageAllocator(const ImageAllocator<U>&) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{kImageAlignment}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{kImageAlignment}); }
  friend bool operator==(const ImageAllocator&, const ImageAllocator&) { return true; }
};
using ImageBytes = std::vector<std::byte, ImageAllocator<std::byte>>;

/// Called with the bytes just packed.
using OnProgress = std::function<void(std::uint64_t)>;

/// Bytes of the image that pack() makes.
/// Errors: Failure if the format's 32-bit offsets cannot reach that far.
std::uint64_t image_bytes(const checkpoint::Checkpoint& checkpoint,
                          const checkpoint::TokenizerFile& tokenizer, Profile profile);

/// The model image of SPEC.md. The same inputs give the same bytes.
/// Errors: Failure if the tokenizer has another vocabulary, or the image would be too large.
ImageBytes pack(const checkpoint::Checkpoint& checkpoint, const checkpoint::TokenizerFile& tokenizer,
                Profile profile, const OnProgress& on_progress = {});

}  // namespace pico_llama::packer
