#include "simulator/cpu/dcp.h"

#include <bit>
#include <cmath>
#include <utility>

namespace pico_llama::simulator {
namespace {

constexpr unsigned kOne = 62;  ///< bit of the mantissa whose value is 1
/// 2^52 + 2^32, the number that aligns integers in conversions, as a mantissa with exponent 52.
constexpr std::uint64_t kIntegerBias = std::uint64_t{1} << 62 | std::uint64_t{1} << 42;

std::uint64_t joined(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }
std::uint32_t high_word(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

/// 1/y for y in [1, 2), as Q31, good to 9 bits.
std::uint32_t reciprocal(std::uint64_t mantissa) {
  const std::uint64_t segment = mantissa >> (kOne - 8) & 0xff;
  return static_cast<std::uint32_t>((std::uint64_t{1} << 40) / (2 * segment + 513));
}
/// 1/sqrt(x) for x in [1, 4), as Q31, good to 9 bits.
std::uint32_t reciprocal_root(std::uint64_t mantissa) {
  const auto segment = static_cast<double>(mantissa >> (kOne - 8));  // 256..1023
  return static_cast<std::uint32_t>(2147483648.0 / std::sqrt((segment + 0.5) / 256.0));
}

/// Shifts right by any amount; the bits shifted out are kept as a sticky last bit.
std::uint64_t shift_right_jam(std::uint64_t value, int by) {
  if (by <= 0) return value;
  if (by > 63) return value != 0;
  return value >> by | ((value & ((std::uint64_t{1} << by) - 1)) != 0);
}

}  // namespace

void Dcp::Number::set_flags(std::uint32_t flags) {
  sign = (flags & 8) != 0;
  zero = (flags & 4) != 0;
  infinite = (flags & 2) != 0;
  nan = (flags & 1) != 0;
}

Dcp::Number Dcp::unpack_double(std::uint32_t low, std::uint32_t high) {
  Number n;
  const std::uint32_t biased = high >> 20 & 0x7ff;
  const std::uint64_t fraction = joined(low, high) & 0xf'ffff'ffff'ffff;
  n.sign = high >> 31 != 0;
  n.zero = biased == 0;
  n.infinite = biased == 0x7ff && fraction == 0;
  n.nan = biased == 0x7ff && fraction != 0;
  n.exponent = static_cast<int>(biased) - 1023;
  n.mantissa = std::uint64_t{1} << kOne | (n.zero ? 0 : fraction << 10);
  return n;
}

Dcp::Number Dcp::unpack_single(std::uint32_t bits) {
  Number n;
  const std::uint32_t biased = bits >> 23 & 0xff, fraction = bits & 0x7f'ffff;
  n.sign = bits >> 31 != 0;
  n.zero = biased == 0;
  n.infinite = biased == 0xff && fraction == 0;
  n.nan = biased == 0xff && fraction != 0;
  n.exponent = static_cast<int>(biased) - 127;
  n.mantissa = std::uint64_t{1} << kOne | (n.zero ? 0 : std::uint64_t{fraction} << 39);
  return n;
}

void Dcp::write_product(std::uint64_t mantissa, int exponent, bool sign) {
  x_.mantissa = mantissa;
  x_.exponent = exponent;
  x_.sign = sign;
}

/// ADD1, SUB1: the smaller magnitude is aligned to the larger.
void Dcp::add(bool subtracts) {
  if (x_.nan || y_.nan || x_.infinite || y_.infinite) return;  // handled when the result is read
  Number a = x_, b = y_;
  if (a.zero) a.mantissa = 0;
  if (b.zero) b.mantissa = 0;
  b.sign = b.sign != subtracts;
  if (a.mantissa == 0 ||
      (b.mantissa != 0 && (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa))))
    std::swap(a, b);
  const std::uint64_t aligned = shift_right_jam(b.mantissa, b.mantissa == 0 ? 0 : a.exponent - b.exponent);
  const bool both_zero = a.mantissa == 0;
  x_.mantissa = a.sign == b.sign ? a.mantissa + aligned : a.mantissa - aligned;
  x_.exponent = a.exponent;
  // The sum is -0 only if both operands are -0.
  x_.sign = x_.mantissa == 0 ? both_zero && a.sign && b.sign : a.sign;
  x_.zero = x_.mantissa == 0;
}

/// NRDD, NRDF: leading bit to bit 62, then to the nearest of `precision` bits, ties to even.
void Dcp::round(unsigned precision) {
  if (x_.mantissa == 0) return;
  const int up = std::countl_zero(x_.mantissa) - 1;
  x_.mantissa = up >= 0 ? x_.mantissa << up : shift_right_jam(x_.mantissa, -up);
  x_.exponent -= up;
  const unsigned drop = kOne + 1 - precision;
  const std::uint64_t half = std::uint64_t{1} << (drop - 1), rest = x_.mantissa & (2 * half - 1);
  x_.mantissa -= rest;
  if (rest > half || (rest == half && (x_.mantissa & 2 * half) != 0)) x_.mantissa += 2 * half;
  if (x_.mantissa >> (kOne + 1) != 0) {
    x_.mantissa >>= 1;
    ++x_.exponent;
  }
}

/// NTDC, NRDC: X holds number + 2^52 + 2^32; afterwards its mantissa is the number as an integer.
void Dcp::to_integer(bool truncates) {
  if (x_.nan) {
    x_.mantissa = 0;
    return;
  }
  constexpr std::int64_t kOutOfRange = std::int64_t{1} << 40;
  std::int64_t integer;
  if (x_.infinite || x_.exponent != 52 || x_.sign) {
    // Out of 32-bit range. An exponent below 52, or a negative sum, means a negative number.
    const bool negative = x_.sign || (!x_.infinite && x_.exponent < 52);
    integer = negative ? -kOutOfRange : kOutOfRange;
  } else {
    const auto difference = static_cast<std::int64_t>(x_.mantissa - kIntegerBias);
    integer = difference >> 10;
    const std::int64_t fraction = difference & 0x3ff;
    if (truncates)
      integer += difference < 0 && fraction != 0;
    else
      integer += fraction > 0x200 || (fraction == 0x200 && (integer & 1) != 0);
  }
  x_.mantissa = static_cast<std::uint64_t>(integer);
}

std::uint64_t Dcp::pack(Result result, unsigned fraction_bits, unsigned exponent_bits) const {
  const std::uint64_t most = (std::uint64_t{1} << exponent_bits) - 1;
  const std::uint64_t infinity = most << fraction_bits;
  const std::uint64_t nan = infinity | std::uint64_t{1} << (fraction_bits - 1);
  const auto with_sign = [&](bool sign, std::uint64_t magnitude) {
    return (sign ? std::uint64_t{1} << (fraction_bits + exponent_bits) : 0) | magnitude;
  };
  const bool binary = result != Result::kSquareRoot && result != Result::kGeneral;
  if (x_.nan || (binary && y_.nan)) return nan;
  switch (result) {
    case Result::kAdd:
    case Result::kSubtract: {
      const bool y_sign = y_.sign != (result == Result::kSubtract);
      if (x_.infinite && y_.infinite && x_.sign != y_sign) return nan;
      if (x_.infinite) return with_sign(x_.sign, infinity);
      if (y_.infinite) return with_sign(y_sign, infinity);
      break;
    }
    case Result::kMultiply:
      if ((x_.infinite && y_.zero) || (x_.zero && y_.infinite)) return nan;
      if (x_.infinite || y_.infinite) return with_sign(x_.sign, infinity);
      if (x_.zero || y_.zero) return with_sign(x_.sign, 0);
      break;
    case Result::kDivide:
      if ((x_.infinite && y_.infinite) || (x_.zero && y_.zero)) return nan;
      if (x_.infinite || y_.zero) return with_sign(x_.sign, infinity);
      if (x_.zero || y_.infinite) return with_sign(x_.sign, 0);
      break;
    case Result::kSquareRoot:
      if (x_.zero) return with_sign(x_.sign, 0);
      if (x_.sign) return nan;
      if (x_.infinite) return infinity;
      break;
    case Result::kGeneral:
      if (x_.infinite) return with_sign(x_.sign, infinity);
      break;
  }
  if (x_.zero || x_.mantissa == 0) return with_sign(x_.sign, 0);
  const int bias = static_cast<int>(most >> 1);
  const int biased = x_.exponent + bias;
  if (biased <= 0) return with_sign(x_.sign, 0);
  if (biased >= static_cast<int>(most)) return with_sign(x_.sign, infinity);
  const std::uint64_t fraction =
      x_.mantissa >> (kOne - fraction_bits) & ((std::uint64_t{1} << fraction_bits) - 1);
  return with_sign(x_.sign, static_cast<std::uint64_t>(biased) << fraction_bits | fraction);
}

/// RCMP: N engaged, Z equal, C greater or equal, V unordered, as the SDK's comparison functions use them.
std::uint32_t Dcp::compared() const {
  std::uint32_t flags = engaged_ ? 1u << 31 : 0;
  if (x_.nan || y_.nan) return flags | 1u << 28;
  const auto less = [](const Number& a, const Number& b) {
    const auto magnitude_less = [](const Number& p, const Number& q) {
      if (p.infinite || q.infinite) return !p.infinite;
      if (p.zero || q.zero) return p.zero && !q.zero;
      return p.exponent != q.exponent ? p.exponent < q.exponent : p.mantissa < q.mantissa;
    };
    const bool a_negative = a.sign && !a.zero, b_negative = b.sign && !b.zero;
    if (a_negative != b_negative) return a_negative && !b_negative;
    if (a.infinite && b.infinite) return false;
    return a_negative ? magnitude_less(b, a) : magnitude_less(a, b);
  };
  const bool below = less(x_, y_), above = less(y_, x_);
  if (!below && !above) return flags | 1u << 30 | 1u << 29;
  return flags | (above ? 1u << 29 : 0);
}

bool Dcp::mcr(const Op&, std::uint32_t) { return false; }

bool Dcp::mcrr(const Op& op, std::uint32_t low, std::uint32_t high) {
  const std::uint64_t both = joined(low, high);
  const bool sign = x_.sign != y_.sign;
  const unsigned which = op.opc1 << 4 | op.crm;
  engaged_ = true;
  const auto integer = [&](std::int64_t value) {
    x_ = y_ = Number{.mantissa = kIntegerBias, .exponent = 52};
    x_.mantissa += static_cast<std::uint64_t>(value) << 10;
  };
  switch (which) {
    case 0x00:
      x_.mantissa = both;
      return true;  // WXMD
    case 0x01:
      y_.mantissa = both;
      return true;  // WYMD
    case 0x02:      // WEFD
      x_.set_flags(low >> 28);
      x_.exponent = static_cast<std::int16_t>(low & 0xffff);
      y_.set_flags(high >> 28);
      y_.exponent = static_cast<std::int16_t>(high & 0xffff);
      engaged_ = (low >> 16 & 1) != 0;
      return true;
    case 0x10:
      x_ = unpack_double(low, high);
      return true;  // WXUP
    case 0x11:
      y_ = unpack_double(low, high);
      return true;  // WYUP
    case 0x12:      // WXYU
      x_ = unpack_single(low);
      y_ = unpack_single(high);
      return true;
    case 0x20:
      x_.mantissa = both != 0;
      return true;  // WXMS: the sticky bit of a product
    case 0x30:      // WXMO
      write_product(both | (x_.mantissa & 1), x_.exponent + y_.exponent + 2, sign);
      return true;
    case 0x40:
      write_product(both, x_.exponent - y_.exponent + 5, sign);
      return true;  // WXDD: Q57
    case 0x50:
      write_product(both, x_.exponent + 2, x_.sign);
      return true;  // WXDQ: Q60
    case 0x60:
      integer(low);
      return true;  // WXUC
    case 0x70:
      integer(static_cast<std::int32_t>(low));
      return true;  // WXIC
    case 0x80:      // WXDC
    case 0x92:      // WXFC
      x_ = which == 0x80 ? unpack_double(low, high) : unpack_single(low);
      y_ = Number{.mantissa = kIntegerBias, .exponent = 52};
      return true;
    case 0xa0:
      write_product(both, x_.exponent + y_.exponent + 2, sign);
      return true;  // WXFM: Q60
    case 0xb0:
      write_product(both, x_.exponent - y_.exponent + 1, sign);
      return true;  // WXFD: Q61
    case 0xc0:
      write_product(both, x_.exponent + 1, x_.sign);
      return true;  // WXFQ: Q61
    default:
      return false;
  }
}

bool Dcp::cdp(const Op& op) {
  const unsigned which = op.opc1 << 8 | op.crm << 4 | op.opc2;
  engaged_ = true;
  switch (which) {
    case 0x000:
      x_ = y_ = Number{};
      return true;  // INIT
    case 0x010:
      return true;  // ADD0: the comparison is made where it is used
    case 0x110:
      add(false);
      return true;
    case 0x111:
      add(true);
      return true;
    case 0x210:  // SQR0
      if ((x_.exponent & 1) != 0) x_.mantissa <<= 1;
      x_.exponent >>= 1;
      return true;
    case 0x820:  // NORM
      if (x_.mantissa != 0) {
        const int up = std::countl_zero(x_.mantissa) - 1;
        x_.mantissa = up >= 0 ? x_.mantissa << up : shift_right_jam(x_.mantissa, -up);
        x_.exponent -= up;
      }
      return true;
    case 0x821:
      round(24);
      return true;  // NRDF
    case 0x801:
      round(53);
      return true;  // NRDD
    case 0x802:
      to_integer(true);
      return true;  // NTDC
    case 0x803:
      to_integer(false);
      return true;  // NRDC
    default:
      return false;
  }
}

bool Dcp::mrc(const Op& op, std::uint32_t& value) {
  if (op.opc1 != 0 || op.crn != 0) return false;
  const auto single = [&](Result result) { return static_cast<std::uint32_t>(pack(result, 23, 8)); };
  const auto integer = static_cast<std::int64_t>(x_.mantissa);
  switch (op.crm << 4 | op.opc2) {
    case 0x00:
      value = x_.flags() << 28 | 1;
      break;  // RXVD
    case 0x01:
      value = compared();
      break;  // RCMP
    case 0x20:
      value = single(Result::kAdd);
      break;
    case 0x21:
      value = single(Result::kSubtract);
      break;
    case 0x22:
      value = single(Result::kMultiply);
      break;
    case 0x23:
      value = single(Result::kDivide);
      break;
    case 0x24:
      value = single(Result::kSquareRoot);
      break;
    case 0x25:
      value = single(Result::kGeneral);
      break;
    case 0x30:  // RDIC
      value = static_cast<std::uint32_t>(integer > INT32_MAX   ? INT32_MAX
                                         : integer < INT32_MIN ? INT32_MIN
                                                               : integer);
      break;
    case 0x31:  // RDUC
      value = integer < 0                          ? 0
              : integer > std::int64_t{UINT32_MAX} ? UINT32_MAX
                                                   : static_cast<std::uint32_t>(integer);
      break;
    default:
      return false;
  }
  if (!op.second_form) engaged_ = false;
  return true;
}

bool Dcp::mrrc(const Op& op, std::uint32_t& low, std::uint32_t& high) {
  const auto give = [&](std::uint64_t value) {
    low = static_cast<std::uint32_t>(value);
    high = high_word(value);
  };
  bool ends = false;
  switch (op.crm) {
    case 0: {  // the results of a sequence
      constexpr Result kResults[] = {Result::kAdd,    Result::kSubtract,   Result::kMultiply,
                                     Result::kDivide, Result::kSquareRoot, Result::kGeneral};
      if ((op.opc1 & 1) == 0 || op.opc1 > 11) return false;
      give(pack(kResults[op.opc1 / 2], 52, 11));
      ends = true;
      break;
    }
    case 1:
      if (op.opc1 == 1) {  // RXYH: Q30 each
        low = high_word(x_.mantissa);
        high = high_word(y_.mantissa);
      } else if (op.opc1 == 2) {  // RYMR: y as Q31, so that the product with the approximation is near 2^62
        low = reciprocal(y_.mantissa);
        high = static_cast<std::uint32_t>(y_.mantissa >> 31);
      } else if (op.opc1 == 4) {  // RXMQ
        low = reciprocal_root(x_.mantissa);
        high = high_word(x_.mantissa);
      } else {
        return false;
      }
      break;
    case 4:
      give(x_.mantissa >> op.opc1);
      break;  // RXMS
    case 5:
      give(y_.mantissa >> op.opc1);
      break;  // RYMS
    case 8:
      give(x_.mantissa);
      return op.opc1 == 0;
    case 9:
      give(y_.mantissa);
      ends = true;
      if (op.opc1 != 0) return false;
      break;
    case 10:  // REFD
      if (op.opc1 != 0) return false;
      low = x_.flags() << 28 | (engaged_ ? 1u << 16 : 0) | (static_cast<std::uint32_t>(x_.exponent) & 0xffff);
      high = y_.flags() << 28 | (static_cast<std::uint32_t>(y_.exponent) & 0xffff);
      ends = true;
      break;
    default:
      return false;
  }
  if (ends && !op.second_form) engaged_ = false;
  return true;
}

}  // namespace pico_llama::simulator
