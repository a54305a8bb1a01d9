#include "formats/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace pico_llama::formats {
namespace {

// The files are little-endian, and so is every host this command is built for.
static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kMostBlockElements = 256;

template <typename T>
T read_as(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

float half_at(const std::uint8_t* bytes) { return float_of_half(read_as<std::uint16_t>(bytes)); }

void decode_q8_0(const std::uint8_t* block, float* out) {
  const float scale = half_at(block);
  for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
}

void decode_q4_0(const std::uint8_t* block, float* out) {
  const float scale = half_at(block);
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((block[2 + i] & 15) - 8);
    out[i + 16] = scale * static_cast<float>((block[2 + i] >> 4) - 8);
  }
}

/// Bit i of the four bytes after the scale is the highest of element i.
void decode_q5_0(const std::uint8_t* block, float* out) {
  const float scale = half_at(block);
  const auto high = read_as<std::uint32_t>(block + 2);
  const auto quant = [high](int low, int i) { return (low | static_cast<int>(high >> i & 1) << 4) - 16; };
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(quant(block[6 + i] & 15, i));
    out[i + 16] = scale * static_cast<float>(quant(block[6 + i] >> 4, i + 16));
  }
}

/// Eight 6-bit scales and eight 6-bit minima in 12 bytes: the first four of each in the low bits of bytes
/// 0..3 and 4..7; of the last four the low nibbles in bytes 8..11, the high two bits on top of bytes 0..7.
void decode_q4_k(const std::uint8_t* block, float* out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  const std::uint8_t* packed = block + 4;
  const std::uint8_t* quants = block + 16;
  for (int group = 0; group < 8; ++group) {
    int group_scale, group_minimum;
    if (group < 4) {
      group_scale = packed[group] & 63;
      group_minimum = packed[group + 4] & 63;
    } else {
      group_scale = (packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4;
      group_minimum = (packed[group + 4] >> 4) | (packed[group] >> 6) << 4;
    }
    const float s = scale * static_cast<float>(group_scale);
    const float m = minimum * static_cast<float>(group_minimum);
    // Two groups share 32 bytes: the even one has the low nibbles.
    const std::uint8_t* nibbles = quants + group / 2 * 32;
    for (int i = 0; i < 32; ++i)
      out[group * 32 + i] = s * static_cast<float>(nibbles[i] >> (group % 2 * 4) & 15) - m;
  }
}

/// 128 bytes of low nibbles, 64 of high bit pairs, 16 scales, the block's scale. Each half of the block has
/// four runs of 32 elements: run r takes nibble r / 2 of low byte i (or i + 32 for odd runs) and bit pair r
/// of high byte i.
void decode_q6_k(const std::uint8_t* block, float* out) {
  const float scale = half_at(block + 208);
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* low = block + 64 * half;
    const std::uint8_t* high = block + 128 + 32 * half;
    const auto* group_scales = reinterpret_cast<const std::int8_t*>(block + 192 + 8 * half);
    for (int run = 0; run < 4; ++run) {
      for (int i = 0; i < 32; ++i) {
        const int nibble = low[i + run % 2 * 32] >> (run / 2 * 4) & 15;
        const int quant = (nibble | (high[i] >> (2 * run) & 3) << 4) - 32;
        out[128 * half + 32 * run + i] =
            scale * static_cast<float>(group_scales[2 * run + i / 16]) * static_cast<float>(quant);
      }
    }
  }
}

void decode_block(Encoding encoding, const std::uint8_t* block, float* out) {
  switch (encoding) {
    case Encoding::kQ8_0:
      return decode_q8_0(block, out);
    case Encoding::kQ4_0:
      return decode_q4_0(block, out);
    case Encoding::kQ5_0:
      return decode_q5_0(block, out);
    case Encoding::kQ4_K:
      return decode_q4_k(block, out);
    case Encoding::kQ6_K:
      return decode_q6_k(block, out);
    default:
      std::abort();
  }
}

}  // namespace

const char* encoding_name(Encoding encoding) {
  constexpr const char* kNames[] = {"f32", "f16", "bf16", "q80", "Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q6_K"};
  return kNames[static_cast<int>(encoding)];
}

std::uint64_t block_elements(Encoding encoding) {
  constexpr std::uint64_t kElements[] = {1, 1, 1, 1, 32, 32, 32, 256, 256};
  return kElements[static_cast<int>(encoding)];
}

std::uint64_t block_bytes(Encoding encoding) {
  constexpr std::uint64_t kBytes[] = {4, 2, 2, 1, 34, 18, 22, 144, 210};
  return kBytes[static_cast<int>(encoding)];
}

float float_of_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  float magnitude;
  if (exponent == 31)
    magnitude = std::bit_cast<float>(0x7f800000u | static_cast<std::uint32_t>(fraction) << 13);
  else if (exponent == 0)
    magnitude = static_cast<float>(fraction) * 0x1p-24f;
  else
    magnitude = std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 112) << 23 |
                                     static_cast<std::uint32_t>(fraction) << 13);
  return bits >> 15 != 0 ? -magnitude : magnitude;
}

std::uint64_t Tensor::bytes() const {
  const std::uint64_t of_scales = quantized() ? elements() / group_size * sizeof(float) : 0;
  return elements() / block_elements(encoding) * block_bytes(encoding) + of_scales;
}

float Tensor::scale_of_group(std::uint64_t group) const {
  return read_as<float>(scales + group * sizeof(float));
}

void Tensor::read(std::uint64_t first, std::span<float> out) const {
  if (file_rows == nullptr) return read_in_file_order(first, out);
  while (!out.empty()) {
    const std::uint64_t row = first / columns;
    const std::uint64_t column = first % columns;
    const std::size_t count = std::min<std::uint64_t>(columns - column, out.size());
    read_in_file_order((*file_rows)[row] * columns + column, out.first(count));
    first += count;
    out = out.subspan(count);
  }
}

void Tensor::read_in_file_order(std::uint64_t first, std::span<float> out) const {
  switch (encoding) {
    case Encoding::kF32:
      std::memcpy(out.data(), values + first * sizeof(float), out.size_bytes());
      return;
    case Encoding::kF16:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = half_at(values + (first + i) * 2);
      return;
    case Encoding::kBf16:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = std::bit_cast<float>(std::uint32_t{read_as<std::uint16_t>(values + (first + i) * 2)} << 16);
      return;
    case Encoding::kQ80: {
      const auto* quants = reinterpret_cast<const std::int8_t*>(values);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::uint64_t element = first + i;
        out[i] = static_cast<float>(quants[element]) * scale_of_group(element / group_size);
      }
      return;
    }
    default:
      break;
  }
  const std::uint64_t length = block_elements(encoding);
  std::array<float, kMostBlockElements> block;
  while (!out.empty()) {
    decode_block(encoding, values + first / length * block_bytes(encoding), block.data());
    const std::uint64_t skip = first % length;
    const std::size_t count = std::min<std::uint64_t>(length - skip, out.size());
    std::copy_n(block.data() + skip, count, out.data());
    first += count;
    out = out.subspan(count);
  }
}

}  // namespace pico_llama::formats
