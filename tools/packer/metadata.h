#pragma once

#include "engine/model/metadata.h"
#include "tools/packer/image_bytes.h"

namespace pico_llama::packer {

/// Puts metadata behind an image that has none, and corrects its header.
/// Errors: Failure if it breaks a rule of SPEC.md, or the format's 32-bit offsets cannot reach that far.
void add_metadata(ImageBytes& image, const Metadata& metadata);

}  // namespace pico_llama::packer
