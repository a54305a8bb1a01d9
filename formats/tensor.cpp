#include "formats/tensor.h"

#include <bit>
#include <cstring>

namespace pico_llama::formats {

// Checkpoints are little-endian, and so is every host this command is built for.
static_assert(std::endian::native == std::endian::little);

float Tensor::scale_of_group(std::uint64_t group) const {
  float scale;
  std::memcpy(&scale, scales + group * sizeof(float), sizeof(float));
  return scale;
}

void Tensor::read(std::uint64_t first, std::span<float> out) const {
  if (!quantized()) {
    std::memcpy(out.data(), values + first * sizeof(float), out.size_bytes());
    return;
  }
  const auto* quants = reinterpret_cast<const std::int8_t*>(values);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t element = first + i;
    out[i] = static_cast<float>(quants[element]) * scale_of_group(element / group_size);
  }
}

}  // namespace pico_llama::formats
