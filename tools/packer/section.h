#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/model/model_image_layout.h"
#include "tools/packer/image_bytes.h"

namespace pico_llama::packer {

/// Puts a section behind an image that has none of its kind: its offset goes into the header's field
/// `offset`, and size and checksum are corrected. Errors: Failure if the format's 32-bit offsets cannot reach
/// that far: "the image with its WHAT would be
/// ...", and `advice` behind it.
void add_section(ImageBytes& image, std::span<const std::byte> section, std::uint32_t ImageHeader::*offset,
                 std::string_view what, std::string_view advice = "");

}  // namespace pico_llama::packer
