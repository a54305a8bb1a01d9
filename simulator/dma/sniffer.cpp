#include "simulator/dma/sniffer.h"

#include <bit>
#include <string>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

std::uint32_t reverse(std::uint32_t value, unsigned bits) {
  std::uint32_t result = 0;
  for (unsigned i = 0; i < bits; ++i) result |= ((value >> i) & 1) << (bits - 1 - i);
  return result;
}

// Most significant bit of the datum first, register shifting left.
std::uint32_t crc(std::uint32_t reg, std::uint32_t value, unsigned value_bits, unsigned width,
                  std::uint32_t polynomial) {
  for (unsigned i = value_bits; i-- != 0;) {
    const std::uint32_t out = (reg >> (width - 1)) & 1;
    reg = reg << 1 ^ ((out ^ ((value >> i) & 1)) != 0 ? polynomial : 0);
  }
  return width == 32 ? reg : reg & 0xffff;
}

}  // namespace

std::uint32_t DmaSniffer::data() const {
  std::uint32_t value = data_;
  if ((control_ & (1u << 10)) != 0) value = reverse(value, 32);
  if ((control_ & (1u << 11)) != 0) value = ~value;
  return value;
}

void DmaSniffer::take(std::uint32_t value, unsigned size) {
  const unsigned bits = 8 * size;
  if (bits < 32) value &= (1u << bits) - 1;
  if ((control_ & (1u << 9)) != 0) {
    std::uint32_t swapped = 0;
    for (unsigned i = 0; i < size; ++i) swapped |= ((value >> (8 * i)) & 0xff) << (8 * (size - 1 - i));
    value = swapped;
  }
  constexpr std::uint32_t kCrc32 = 0x04c1'1db7, kCrc16 = 0x1021;
  switch ((control_ >> 5) & 15) {
    case 0x0:
      data_ = crc(data_, value, bits, 32, kCrc32);
      break;
    case 0x1:
      data_ = crc(data_, reverse(value, bits), bits, 32, kCrc32);
      break;
    case 0x2:
      data_ = crc(data_, value, bits, 16, kCrc16);
      break;
    case 0x3:
      data_ = crc(data_, reverse(value, bits), bits, 16, kCrc16);
      break;
    case 0xe:
      data_ ^= static_cast<std::uint32_t>(std::popcount(value) & 1);
      break;
    case 0xf:
      data_ += value;
      break;
    default:
      throw Stop("DMA: SNIFF_CTRL.CALC " + std::to_string((control_ >> 5) & 15) +
                 " is not defined (12.6.10)");
  }
}

}  // namespace pico_llama::simulator
