/// The model images in flash, stored one after another and found by their headers.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "engine/model/metadata.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama::app {

/// Headers are read but not validated; ModelLoader validates the image.
class Cartridge {
 public:
  /// Requires: `slot` is aligned as an ImageHeader is.
  static Cartridge in(std::span<const std::byte> slot);

  /// At least 1: flash without an image counts as one unusable image.
  int count() const { return count_; }
  /// From the image's first byte to the end of the flash. Requires: 0 <= index < count().
  std::span<const std::byte> slot(int index) const { return slots_[static_cast<size_t>(index)]; }
  /// Null where there is no image.
  const ImageHeader* header(int index) const;
  /// Of the image there, as far as it is good; otherwise empty.
  Metadata metadata(int index) const;

 private:
  std::array<std::span<const std::byte>, kMostImages> slots_{};
  int count_ = 0;
};

}  // namespace pico_llama::app
