#include "firmware/app/cartridge.h"

namespace pico_llama::app {

Cartridge Cartridge::in(std::span<const std::byte> slot) {
  Cartridge cartridge;
  size_t at = 0;
  while (cartridge.count_ < kMostImages && at < slot.size() && slot.size() - at >= sizeof(ImageHeader)) {
    const auto& header = *reinterpret_cast<const ImageHeader*>(slot.data() + at);
    if (header.magic != kImageMagic) break;
    cartridge.slots_[cartridge.count_++] = slot.subspan(at);
    // The length is not validated yet: the search goes on only if the image ends inside the slot.
    if (header.file_bytes < sizeof(ImageHeader) || header.file_bytes > slot.size() - at) break;
    at += image_span(header.file_bytes);
  }
  if (cartridge.count_ == 0) {
    cartridge.slots_[0] = slot;
    cartridge.count_ = 1;
  }
  return cartridge;
}

const ImageHeader* Cartridge::header(int index) const {
  const std::span<const std::byte> slot = slots_[static_cast<size_t>(index)];
  if (slot.size() < sizeof(ImageHeader)) return nullptr;
  const auto* header = reinterpret_cast<const ImageHeader*>(slot.data());
  return header->magic == kImageMagic ? header : nullptr;
}

Metadata Cartridge::metadata(int index) const {
  const ImageHeader* const image = header(index);
  const std::span<const std::byte> bytes = slot(index);
  if (image == nullptr || image->file_bytes < sizeof(ImageHeader) || image->file_bytes > bytes.size())
    return {};
  const Result<Metadata> metadata = Metadata::read(bytes.first(image->file_bytes));
  return metadata.ok() ? metadata.value() : Metadata{};
}

}  // namespace pico_llama::app
