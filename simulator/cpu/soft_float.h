#pragma once
#include <cstdint>

/// Single- and half-precision arithmetic exactly as the Armv8-M Architecture Reference Manual, section E1
/// (FPAdd() .. FPRound()), defines it: every rounding mode, default NaN, flush to zero, cumulative flags.
/// Values are bits; `fpscr` is read for the modes and takes the flags.
namespace pico_llama::simulator::soft_float {

inline constexpr std::uint32_t kIoc = 1u << 0, kDzc = 1u << 1, kOfc = 1u << 2, kUfc = 1u << 3, kIxc = 1u << 4,
                               kIdc = 1u << 7;
inline constexpr std::uint32_t kRmode = 3u << 22, kFz = 1u << 24, kDn = 1u << 25, kAhp = 1u << 26;

/// The first four as FPSCR.RMode has them.
enum class Rounding : std::uint8_t { kNearest, kUp, kDown, kZero, kAway };
inline Rounding rounding_of(std::uint32_t fpscr) { return static_cast<Rounding>(fpscr >> 22 & 3); }

std::uint32_t add(std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr);
std::uint32_t multiply(std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr);
std::uint32_t divide(std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr);
std::uint32_t square_root(std::uint32_t a, std::uint32_t& fpscr);
/// addend + a * b with one rounding.
std::uint32_t multiply_add(std::uint32_t addend, std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr);
/// IEEE 754-2008 maxNum and minNum.
std::uint32_t max_number(std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr);
std::uint32_t min_number(std::uint32_t a, std::uint32_t b, std::uint32_t& fpscr);
/// NZCV in bits 31:28. `signals`: a quiet NaN is invalid, too (VCMPE).
std::uint32_t compare(std::uint32_t a, std::uint32_t b, bool signals, std::uint32_t& fpscr);
/// To an integral value in floating point; `exact` sets IXC where it changes the value.
std::uint32_t round_to_integral(std::uint32_t a, Rounding rounding, bool exact, std::uint32_t& fpscr);
/// To a fixed-point number of `bits` bits, `fraction` of them behind the point; saturates.
std::uint32_t to_fixed(std::uint32_t a, unsigned bits, unsigned fraction, bool is_unsigned, Rounding rounding,
                       std::uint32_t& fpscr);
/// From the low `bits` bits of `value`.
std::uint32_t from_fixed(std::uint32_t value, unsigned bits, unsigned fraction, bool is_unsigned,
                         Rounding rounding, std::uint32_t& fpscr);
std::uint32_t half_to_single(std::uint16_t half, std::uint32_t& fpscr);
std::uint16_t single_to_half(std::uint32_t single, std::uint32_t& fpscr);

}  // namespace pico_llama::simulator::soft_float
