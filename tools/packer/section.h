#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/model/model_image_layout.h"
#include "tools/packer/image_bytes.h"

namespace pico_llama::packer {

/// A field of the header that says where a section begins.
using SectionOffset = std::uint32_t ImageHeader::*;

/// Puts a section behind an image that has none of its kind: its offset goes into the header's field
/// `offset`, and size and checksum are corrected.
/// Errors: Failure if the format's 32-bit offsets cannot reach that far, which names `what` and ends with
/// `advice`.
void add_section(ImageBytes& image, std::span<const std::byte> section, SectionOffset offset,
                 std::string_view what, std::string_view advice = "");

}  // namespace pico_llama::packer
