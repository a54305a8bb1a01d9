#include "simulator/gpio_coprocessor.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr std::uint64_t kLow = 0xffffffff, kHigh = kLow << 32;
}  // namespace

void GpioCoprocessor::change(bool oe, unsigned how, std::uint64_t bits, std::uint64_t mask) {
  std::uint64_t out = sio_.gpio_out(), enable = sio_.gpio_oe();
  std::uint64_t& target = oe ? enable : out;
  switch (how) {
    case 0:
      target = (target & ~mask) | (bits & mask);
      break;
    case 1:
      target ^= bits & mask;
      break;
    case 2:
      target |= bits & mask;
      break;
    default:
      target &= ~(bits & mask);
      break;
  }
  sio_.set_gpio(out, enable);
}

bool GpioCoprocessor::mcr(const Op& op, std::uint32_t value) {
  if (op.crn != 0 || op.opc2 != 0 || op.crm > 5 || (op.crm & 2) != 0) return false;
  const bool oe = op.crm >= 4;
  if (op.opc1 <= 3) {  // CRm bit 0: the high word
    const std::uint64_t mask = (op.crm & 1) != 0 ? kHigh : kLow;
    change(oe, op.opc1, std::uint64_t{value} << ((op.crm & 1) != 0 ? 32 : 0), mask);
    return true;
  }
  if (op.opc1 == 4 || op.opc1 > 7 || (op.crm & 1) != 0) return false;
  change(oe, op.opc1 - 4, std::uint64_t{1} << (value & 63), kAll);
  return true;
}

bool GpioCoprocessor::mcrr(const Op& op, std::uint32_t low, std::uint32_t high) {
  if (op.crm != 0 && op.crm != 4) return false;
  const bool oe = op.crm == 4;
  if (op.opc1 <= 3) {
    change(oe, op.opc1, low | std::uint64_t{high} << 32, kAll);
  } else if (op.opc1 <= 7) {  // pin in `low`, condition or value in `high`
    const std::uint64_t bit = std::uint64_t{1} << (low & 63);
    if (op.opc1 == 4)
      change(oe, 0, (high & 1) != 0 ? bit : 0, bit);
    else if ((high & 1) != 0)
      change(oe, op.opc1 - 4, bit, kAll);
  } else if (op.opc1 <= 11) {  // word number in `high`
    const unsigned shift = (high & 1) != 0 ? 32 : 0;
    change(oe, op.opc1 - 8, std::uint64_t{low} << shift, kLow << shift);
  } else {
    return false;
  }
  return true;
}

bool GpioCoprocessor::read(unsigned crm, std::uint64_t& pins) const {
  switch (crm & ~1U) {
    case 0:
      pins = sio_.gpio_out();
      return true;
    case 4:
      pins = sio_.gpio_oe();
      return true;
    case 8:
      pins = sio_.gpio_in();
      return true;
    default:
      return false;
  }
}

bool GpioCoprocessor::mrc(const Op& op, std::uint32_t& value) {
  std::uint64_t pins = 0;
  if (op.opc1 != 0 || op.crn != 0 || op.opc2 != 0 || !read(op.crm, pins)) return false;
  value = static_cast<std::uint32_t>((op.crm & 1) != 0 ? pins >> 32 : pins);
  return true;
}

bool GpioCoprocessor::mrrc(const Op& op, std::uint32_t& low, std::uint32_t& high) {
  std::uint64_t pins = 0;
  if (op.opc1 != 0 || (op.crm & 1) != 0 || !read(op.crm, pins)) return false;
  low = static_cast<std::uint32_t>(pins);
  high = static_cast<std::uint32_t>(pins >> 32);
  return true;
}

}  // namespace pico_llama::simulator
