#include "simulator/cpu/soft_float.h"

#include <bit>
#include <initializer_list>

namespace pico_llama::simulator::soft_float {
namespace {

__extension__ using u128 = unsigned __int128;

enum class Class : std::uint8_t { kZero, kFinite, kInfinity, kQuietNan, kSignallingNan };

/// A number taken apart: (-1)^sign * mantissa * 2^exponent, exactly.
struct Parts {
  Class type;
  bool sign;
  int exponent;
  std::uint32_t mantissa;
  std::uint32_t bits;

  bool nan() const { return type >= Class::kQuietNan; }
};

struct Format {
  int precision;  ///< bits of the significand, the hidden one included
  int least;      ///< exponent of the least normal number
  int most;       ///< exponent of the greatest finite number
};
constexpr Format kSingle{24, -126, 127}, kHalf{11, -14, 15}, kAlternativeHalf{11, -14, 16};

constexpr std::uint32_t kDefaultNan = 0x7fc0'0000, kInfinityBits = 0x7f80'0000;
std::uint32_t signed_bits(bool sign, std::uint32_t magnitude) { return (sign ? 1u << 31 : 0) | magnitude; }

Parts take_apart(std::uint32_t bits, std::uint32_t& fpscr) {
  Parts p{Class::kFinite, bits >> 31 != 0, 0, bits & 0x7f'ffff, bits};
  const auto biased = static_cast<int>(bits >> 23 & 0xff);
  if (biased == 255) {
    p.type = p.mantissa == 0               ? Class::kInfinity
             : (p.mantissa >> 22 & 1) != 0 ? Class::kQuietNan
                                           : Class::kSignallingNan;
  } else if (biased == 0) {
    p.exponent = -149;
    if (p.mantissa == 0) {
      p.type = Class::kZero;
    } else if ((fpscr & kFz) != 0) {
      p.type = Class::kZero;
      p.mantissa = 0;
      p.bits = bits & 1u << 31;
      fpscr |= kIdc;
    }
  } else {
    p.exponent = biased - 150;
    p.mantissa |= 1u << 23;
  }
  return p;
}

std::uint32_t process_nan(const Parts& p, std::uint32_t& fpscr) {
  if (p.type == Class::kSignallingNan) fpscr |= kIoc;
  return (fpscr & kDn) != 0 ? kDefaultNan : p.bits | 1u << 22;
}
/// The NaN that an operation on these operands gives: signalling ones first, then in order.
/// Requires: one of them is a NaN.
std::uint32_t process_nans(std::initializer_list<const Parts*> operands, std::uint32_t& fpscr) {
  for (const Parts* p : operands)
    if (p->type == Class::kSignallingNan) return process_nan(*p, fpscr);
  for (const Parts* p : operands)
    if (p->type == Class::kQuietNan) return process_nan(*p, fpscr);
  return kDefaultNan;
}
std::uint32_t invalid(std::uint32_t& fpscr) {
  fpscr |= kIoc;
  return kDefaultNan;
}

int bit_length(u128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64), low = static_cast<std::uint64_t>(value);
  return high != 0 ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
}

bool rounds_up(Rounding rounding, bool sign, bool odd, int against_half, bool inexact) {
  switch (rounding) {
    case Rounding::kNearest:
      return against_half > 0 || (against_half == 0 && odd);
    case Rounding::kAway:
      return against_half >= 0 && inexact;
    case Rounding::kUp:
      return inexact && !sign;
    case Rounding::kDown:
      return inexact && sign;
    case Rounding::kZero:
      break;
  }
  return false;
}

/// The part of `mantissa` below bit `shift`, compared with one half; `sticky`: non-zero bits follow below it.
int compare_half(u128 mantissa, int shift, bool sticky) {
  if (shift > 127) return -1;
  const u128 half = u128{1} << (shift - 1);
  const u128 rest = mantissa & ((u128{1} << shift) - 1);
  if (rest > half || (rest == half && sticky)) return 1;
  return rest == half ? 0 : -1;
}

/// (-1)^sign * (mantissa + a bit more if sticky) * 2^exponent in `format`, as a magnitude with biased
/// exponent. FPRound(): tininess is found before rounding. Requires: mantissa != 0; where sticky, it has more
/// bits than the format.
std::uint32_t round_magnitude(const Format& format, bool sign, int exponent, u128 mantissa, bool sticky,
                              Rounding rounding, std::uint32_t& fpscr) {
  const int top = exponent + bit_length(mantissa) - 1;
  const bool tiny = top < format.least;
  if (tiny && (fpscr & kFz) != 0 && format.precision == kSingle.precision) {
    fpscr |= kUfc;
    return 0;
  }
  const int last = (tiny ? format.least : top) - (format.precision - 1);
  const int shift = last - exponent;
  std::uint64_t significand;
  bool inexact = sticky;
  if (shift <= 0) {
    significand = static_cast<std::uint64_t>(mantissa << -shift);
  } else {
    const bool all_gone = shift > 127;
    significand = all_gone ? 0 : static_cast<std::uint64_t>(mantissa >> shift);
    inexact = inexact || all_gone || (mantissa & ((u128{1} << shift) - 1)) != 0;
    if (rounds_up(rounding, sign, (significand & 1) != 0, compare_half(mantissa, shift, sticky), inexact))
      ++significand;
  }
  if (tiny && inexact) fpscr |= kUfc;
  int biased = tiny ? 1 : top - format.least + 1;
  if (significand >> format.precision != 0) {
    significand >>= 1;
    ++biased;
  }
  if (biased - 1 + format.least > format.most) {
    if (format.most == kAlternativeHalf.most) {  // no infinity there: the greatest number, and invalid
      fpscr |= kIoc;
      return 0x7fff;
    }
    fpscr |= kOfc | kIxc;
    const bool to_infinity = rounding == Rounding::kNearest || rounding == Rounding::kAway ||
                             (rounding == Rounding::kUp && !sign) || (rounding == Rounding::kDown && sign);
    const auto all_ones = static_cast<std::uint32_t>(format.most - format.least + 2);
    return (all_ones << (format.precision - 1)) - (to_infinity ? 0 : 1);
  }
  if (inexact) fpscr |= kIxc;
  // A subnormal has no hidden bit; one that rounded up to the least normal number has.
  const bool hidden = (significand >> (format.precision - 1) & 1) != 0;
  const auto fraction =
      static_cast<std::uint32_t>(significand & ((std::uint64_t{1} << (format.precision - 1)) - 1));
  return (hidden ? static_cast<std::uint32_t>(biased) << (format.precision - 1) : 0) | fraction;
}

std::uint32_t round_single(bool sign, int exponent, u128 mantissa, bool sticky, std::uint32_t& fpscr) {
  return signed_bits(sign,
                     round_magnitude(kSingle, sign, exponent, mantissa, sticky, rounding_of(fpscr), fpscr));
}

struct Term {
  bool sign;
  int exponent;
  u128 mantissa;  ///< 0 for zero
};

/// The rounded sum of two exact terms.
std::uint32_t sum(Term a, Term b, std::uint32_t& fpscr) {
  if (a.mantissa == 0 && b.mantissa == 0) {
    const bool down = rounding_of(fpscr) == Rounding::kDown;
    return signed_bits(a.sign == b.sign ? a.sign : down, 0);
  }
  if (a.mantissa == 0) return round_single(b.sign, b.exponent, b.mantissa, false, fpscr);
  if (b.mantissa == 0) return round_single(a.sign, a.exponent, a.mantissa, false, fpscr);
  // Both with their leading bit at 120; the smaller is shifted down, the bits shifted out are kept as a
  // sticky last bit.
  constexpr int kTop = 121;
  for (Term* t : {&a, &b}) {
    const int up = kTop - bit_length(t->mantissa);
    t->mantissa <<= up;
    t->exponent -= up;
  }
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) {
    const Term swapped = a;
    a = b;
    b = swapped;
  }
  const int down = a.exponent - b.exponent;
  const bool lost = down > 127 || (b.mantissa & ((u128{1} << down) - 1)) != 0;
  b.mantissa = (down > 127 ? 0 : b.mantissa >> down) | (lost ? 1 : 0);
  const u128 total = a.sign == b.sign ? a.mantissa + b.mantissa : a.mantissa - b.mantissa;
  if (total == 0) return signed_bits(rounding_of(fpscr) == Rounding::kDown, 0);
  return round_single(a.sign, a.exponent, total, false, fpscr);
}

Term term(const Parts& p) { return {p.sign, p.exponent, p.type == Class::kZero ? 0 : u128{p.mantissa}}; }

bool less(const Parts& a, const Parts& b) {
  const auto key = [](const Parts& p) {
    const auto magnitude = static_cast<std::int64_t>(p.bits & 0x7fff'ffff);
    return p.sign ? -magnitude : magnitude;
  };
  return key(a) < key(b);
}

template <bool kMax>
std::uint32_t extreme_number(std::uint32_t a_bits, std::uint32_t b_bits, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr), b = take_apart(b_bits, fpscr);
  // A quiet NaN gives way to a number.
  if (a.type == Class::kQuietNan && !b.nan()) return b.bits;
  if (b.type == Class::kQuietNan && !a.nan()) return a.bits;
  if (a.nan() || b.nan()) return process_nans({&a, &b}, fpscr);
  if (a.type == Class::kZero && b.type == Class::kZero)
    return signed_bits(kMax ? a.sign && b.sign : a.sign || b.sign, 0);
  return less(a, b) == kMax ? b.bits : a.bits;
}

/// The integer nearest to mantissa * 2^exponent. Saturates far above 2^64.
std::uint64_t to_integer(std::uint32_t mantissa, int exponent, bool sign, Rounding rounding, bool& inexact) {
  if (exponent >= 40) return ~std::uint64_t{0};
  if (exponent >= 0) return std::uint64_t{mantissa} << exponent;
  const int shift = -exponent;
  std::uint64_t value = shift > 63 ? 0 : std::uint64_t{mantissa} >> shift;
  inexact = shift > 63 || (mantissa & ((std::uint64_t{1} << shift) - 1)) != 0;
  if (rounds_up(rounding, sign, (value & 1) != 0, compare_half(mantissa, shift, false), inexact)) ++value;
  return value;
}

}  // namespace

std::uint32_t add(std::uint32_t a_bits, std::uint32_t b_bits, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr), b = take_apart(b_bits, fpscr);
  if (a.nan() || b.nan()) return process_nans({&a, &b}, fpscr);
  if (a.type == Class::kInfinity)
    return b.type == Class::kInfinity && a.sign != b.sign ? invalid(fpscr) : a.bits;
  if (b.type == Class::kInfinity) return b.bits;
  return sum(term(a), term(b), fpscr);
}

std::uint32_t multiply(std::uint32_t a_bits, std::uint32_t b_bits, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr), b = take_apart(b_bits, fpscr);
  if (a.nan() || b.nan()) return process_nans({&a, &b}, fpscr);
  const bool sign = a.sign != b.sign;
  if (a.type == Class::kInfinity || b.type == Class::kInfinity) {
    if (a.type == Class::kZero || b.type == Class::kZero) return invalid(fpscr);
    return signed_bits(sign, kInfinityBits);
  }
  if (a.type == Class::kZero || b.type == Class::kZero) return signed_bits(sign, 0);
  return round_single(sign, a.exponent + b.exponent, u128{a.mantissa} * b.mantissa, false, fpscr);
}

std::uint32_t divide(std::uint32_t a_bits, std::uint32_t b_bits, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr), b = take_apart(b_bits, fpscr);
  if (a.nan() || b.nan()) return process_nans({&a, &b}, fpscr);
  const bool sign = a.sign != b.sign;
  if ((a.type == Class::kInfinity && b.type == Class::kInfinity) ||
      (a.type == Class::kZero && b.type == Class::kZero))
    return invalid(fpscr);
  if (a.type == Class::kInfinity) return signed_bits(sign, kInfinityBits);
  if (b.type == Class::kZero) {
    fpscr |= kDzc;
    return signed_bits(sign, kInfinityBits);
  }
  if (a.type == Class::kZero || b.type == Class::kInfinity) return signed_bits(sign, 0);
  const u128 dividend = u128{a.mantissa} << 64;
  return round_single(sign, a.exponent - b.exponent - 64, dividend / b.mantissa, dividend % b.mantissa != 0,
                      fpscr);
}

std::uint32_t square_root(std::uint32_t a_bits, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr);
  if (a.nan()) return process_nan(a, fpscr);
  if (a.type == Class::kZero) return a.bits;
  if (a.sign) return invalid(fpscr);
  if (a.type == Class::kInfinity) return a.bits;
  // A radicand of 62 or 63 bits with an even exponent: a root of 31 or 32.
  const int up = std::countl_zero(std::uint64_t{a.mantissa}) - 2;
  int exponent = a.exponent - up;
  std::uint64_t radicand = std::uint64_t{a.mantissa} << up;
  if ((exponent & 1) != 0) {
    radicand <<= 1;
    --exponent;
  }
  std::uint64_t root = 0, rest = radicand;
  for (std::uint64_t bit = std::uint64_t{1} << 62; bit != 0; bit >>= 2) {
    if (rest >= root + bit) {
      rest -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return round_single(false, exponent / 2, root, rest != 0, fpscr);
}

std::uint32_t multiply_add(std::uint32_t addend, std::uint32_t a_bits, std::uint32_t b_bits,
                           std::uint32_t& fpscr) {
  const Parts c = take_apart(addend, fpscr), a = take_apart(a_bits, fpscr), b = take_apart(b_bits, fpscr);
  const bool product_invalid = (a.type == Class::kInfinity && b.type == Class::kZero) ||
                               (a.type == Class::kZero && b.type == Class::kInfinity);
  if (c.type == Class::kQuietNan && product_invalid) return invalid(fpscr);
  if (a.nan() || b.nan() || c.nan()) return process_nans({&c, &a, &b}, fpscr);
  const bool product_sign = a.sign != b.sign;
  const bool product_infinite = a.type == Class::kInfinity || b.type == Class::kInfinity;
  if (product_invalid || (product_infinite && c.type == Class::kInfinity && c.sign != product_sign))
    return invalid(fpscr);
  if (c.type == Class::kInfinity) return c.bits;
  if (product_infinite) return signed_bits(product_sign, kInfinityBits);
  const bool product_zero = a.type == Class::kZero || b.type == Class::kZero;
  return sum(term(c),
             {product_sign, a.exponent + b.exponent, product_zero ? 0 : u128{a.mantissa} * b.mantissa},
             fpscr);
}

std::uint32_t max_number(std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr) {
  return extreme_number<true>(a, b, fpscr);
}
std::uint32_t min_number(std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr) {
  return extreme_number<false>(a, b, fpscr);
}

std::uint32_t compare(std::uint32_t a_bits, std::uint32_t b_bits, bool signals, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr), b = take_apart(b_bits, fpscr);
  if (a.nan() || b.nan()) {
    if (signals || a.type == Class::kSignallingNan || b.type == Class::kSignallingNan) fpscr |= kIoc;
    return 0x3000'0000;
  }
  if (less(a, b)) return 0x8000'0000;
  return less(b, a) ? 0x2000'0000 : 0x6000'0000;
}

std::uint32_t round_to_integral(std::uint32_t a_bits, Rounding rounding, bool exact, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr);
  if (a.nan()) return process_nan(a, fpscr);
  if (a.type != Class::kFinite || a.exponent >= 0) return a.bits;
  bool inexact = false;
  const std::uint64_t value = to_integer(a.mantissa, a.exponent, a.sign, rounding, inexact);
  if (inexact && exact) fpscr |= kIxc;
  if (value == 0) return signed_bits(a.sign, 0);
  std::uint32_t unused = 0;
  return round_single(a.sign, 0, value, false, unused);
}

std::uint32_t to_fixed(std::uint32_t a_bits, unsigned bits, unsigned fraction, bool is_unsigned,
                       Rounding rounding, std::uint32_t& fpscr) {
  const Parts a = take_apart(a_bits, fpscr);
  if (a.nan()) {
    fpscr |= kIoc;
    return 0;
  }
  bool inexact = false;
  std::uint64_t magnitude = 0;
  if (a.type == Class::kInfinity) magnitude = ~std::uint64_t{0};
  if (a.type == Class::kFinite)
    magnitude = to_integer(a.mantissa, a.exponent + static_cast<int>(fraction), a.sign, rounding, inexact);
  const std::uint64_t most =
      is_unsigned ? (std::uint64_t{1} << bits) - 1 : (std::uint64_t{1} << (bits - 1)) - 1;
  const std::uint64_t least = is_unsigned ? 0 : most + 1;
  if (a.sign ? magnitude > least : magnitude > most) {
    fpscr |= kIoc;
    magnitude = a.sign ? least : most;
  } else if (inexact) {
    fpscr |= kIxc;
  }
  // 16-bit results come extended to the register, signed or not.
  return static_cast<std::uint32_t>(a.sign ? 0 - magnitude : magnitude);
}

std::uint32_t from_fixed(std::uint32_t value, unsigned bits, unsigned fraction, bool is_unsigned,
                         Rounding rounding, std::uint32_t& fpscr) {
  std::int64_t number =
      bits == 16
          ? (is_unsigned ? std::int64_t{value & 0xffff} : std::int64_t{static_cast<std::int16_t>(value)})
          : (is_unsigned ? std::int64_t{value} : std::int64_t{static_cast<std::int32_t>(value)});
  if (number == 0) return 0;
  const bool sign = number < 0;
  const auto magnitude = static_cast<std::uint64_t>(sign ? -number : number);
  return signed_bits(
      sign, round_magnitude(kSingle, sign, -static_cast<int>(fraction), magnitude, false, rounding, fpscr));
}

std::uint32_t half_to_single(std::uint16_t half, std::uint32_t& fpscr) {
  const bool sign = half >> 15 != 0;
  const unsigned biased = half >> 10 & 31;
  const std::uint32_t fraction = half & 0x3ff;
  if (biased == 31 && (fpscr & kAhp) == 0) {
    if (fraction == 0) return signed_bits(sign, kInfinityBits);
    if ((fraction >> 9 & 1) == 0) fpscr |= kIoc;
    return (fpscr & kDn) != 0 ? kDefaultNan : signed_bits(sign, kDefaultNan | fraction << 13);
  }
  if (biased == 0 && fraction == 0) return signed_bits(sign, 0);
  std::uint32_t unused = 0;  // exact: no flags
  const int exponent = biased == 0 ? -24 : static_cast<int>(biased) - 25;
  return round_single(sign, exponent, biased == 0 ? fraction : fraction | 0x400, false, unused);
}

std::uint16_t single_to_half(std::uint32_t single, std::uint32_t& fpscr) {
  const Parts a = take_apart(single, fpscr);
  const bool alternative = (fpscr & kAhp) != 0;
  const std::uint32_t sign = a.sign ? 0x8000 : 0;
  if (a.nan()) {
    if (a.type == Class::kSignallingNan || alternative) fpscr |= kIoc;
    if (alternative) return static_cast<std::uint16_t>(sign);
    if ((fpscr & kDn) != 0) return 0x7e00;
    return static_cast<std::uint16_t>(sign | 0x7e00 | (a.bits >> 13 & 0x1ff));
  }
  if (a.type == Class::kInfinity) {
    if (alternative) fpscr |= kIoc;
    return static_cast<std::uint16_t>(sign | (alternative ? 0x7fff : 0x7c00));
  }
  if (a.type == Class::kZero) return static_cast<std::uint16_t>(sign);
  return static_cast<std::uint16_t>(sign | round_magnitude(alternative ? kAlternativeHalf : kHalf, a.sign,
                                                           a.exponent, a.mantissa, false, rounding_of(fpscr),
                                                           fpscr));
}

}  // namespace pico_llama::simulator::soft_float
