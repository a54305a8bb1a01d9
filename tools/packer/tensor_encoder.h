#pragma once

#include <cstddef>
#include <span>

#include "engine/model/model_image_layout.h"
#include "formats/tensor.h"
#include "tools/packer/q4_quantizer.h"

namespace pico_llama::packer {

// Each writes one tensor of the image in the encoding of its name (SPEC.md). Requires: out is zeroed and
// exactly tensor_bytes() long.

void encode_plain_f32(const formats::Tensor& tensor, std::span<std::byte> out);

void encode_rows_f32(const formats::Tensor& tensor, std::span<std::byte> out);

/// Every row anew, whatever groups the checkpoint had: scale = max|w| / 127, weights rounded to nearest.
void encode_rows_q8(const formats::Tensor& tensor, std::span<std::byte> out);

/// As the quantizer rounds. Returns the activation limit. Errors: Failure for weights that are no numbers.
std::uint16_t encode_rows_q4(const formats::Tensor& tensor, const Q4Quantizer& quantizer,
                             std::span<std::byte> out);

/// The longest chunk whose activation limit is at least kWantedActivationLimit, and that limit.
Q8Limits choose_q8_limits(std::span<const std::byte> tensor, std::uint32_t rows, std::uint32_t columns);

/// Long chunks save kernel work, a high limit improves precision: docs/decisions/0005.
inline constexpr int kWantedActivationLimit = 1023;

}  // namespace pico_llama::packer
