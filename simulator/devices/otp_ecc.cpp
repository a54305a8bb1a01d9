#include "simulator/devices/otp_ecc.h"

#include <array>
#include <bit>

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kRow = 0xffffff, kPolarity = 3U << 22;
constexpr unsigned kDataBits = 16, kHammingBits = 5, kParityBit = 21;
// Section 13.6.2: the data bits that each bit of the Hamming code covers.
constexpr std::array<std::uint32_t, kHammingBits> kCovers{0x0ad5b, 0x0366d, 0x0c78e, 0x007f0, 0x0f800};

bool odd(std::uint32_t bits) { return std::popcount(bits) % 2 != 0; }

std::uint32_t hamming(std::uint32_t data) {
  std::uint32_t code = 0;
  for (unsigned i = 0; i < kHammingBits; ++i) code |= std::uint32_t{odd(data & kCovers[i])} << i;
  return code;
}

}  // namespace

std::uint32_t otp_encode(std::uint16_t value) {
  const std::uint32_t row = value | hamming(value) << kDataBits;
  return row | std::uint32_t{odd(row)} << kParityBit;
}

OtpDecoded otp_decode(std::uint32_t raw) {
  if ((raw & kPolarity) == kPolarity) raw ^= kRow;
  const auto value = static_cast<std::uint16_t>(raw);
  const std::uint32_t syndrome = hamming(value) ^ (raw >> kDataBits & ((1U << kHammingBits) - 1));
  const bool one_wrong = odd(raw & ((1U << (kParityBit + 1)) - 1));
  if (!one_wrong) return {value, syndrome != 0};
  if (syndrome == 0 || std::has_single_bit(syndrome)) return {value, false};  // a bit of the code itself
  for (unsigned bit = 0; bit < kDataBits; ++bit) {
    if (hamming(1U << bit) == syndrome) return {static_cast<std::uint16_t>(value ^ 1U << bit), false};
  }
  return {value, true};
}

}  // namespace pico_llama::simulator
