#pragma once
#include <cstdint>

/// Arithmetic of the T32 pseudocode: AddWithCarry(), Shift_C(), SatQ() (Armv8-M ARM, E1).
namespace pico_llama::simulator {

enum class Shift : std::uint8_t { kLsl, kLsr, kAsr, kRor, kRrx };

inline std::uint32_t add_with_carry(std::uint32_t a, std::uint32_t b, std::uint32_t carry_in,
                                    std::uint32_t& carry_out, std::uint32_t& overflow) {
  const std::uint64_t sum = std::uint64_t{a} + b + carry_in;
  const auto result = static_cast<std::uint32_t>(sum);
  carry_out = static_cast<std::uint32_t>(sum >> 32);
  overflow = ((a ^ result) & (b ^ result)) >> 31;
  return result;
}

/// `amount` may be any number 0..255; `carry` is the carry in and becomes the shifter's carry out.
template <Shift kShift>
inline std::uint32_t shift_with_carry(std::uint32_t value, unsigned amount, std::uint32_t& carry) {
  if constexpr (kShift == Shift::kRrx) {
    const std::uint32_t result = value >> 1 | carry << 31;
    carry = value & 1;
    return result;
  }
  if (amount == 0) return value;
  if constexpr (kShift == Shift::kLsl) {
    if (amount > 32) return carry = 0;
    carry = value >> (32 - amount) & 1;
    return amount == 32 ? 0 : value << amount;
  }
  if constexpr (kShift == Shift::kLsr) {
    if (amount > 32) return carry = 0;
    carry = value >> (amount - 1) & 1;
    return amount == 32 ? 0 : value >> amount;
  }
  if constexpr (kShift == Shift::kAsr) {
    const unsigned by = amount > 32 ? 32 : amount;
    const auto as_signed = static_cast<std::int32_t>(value);
    carry = static_cast<std::uint32_t>(as_signed >> (by - 1)) & 1;
    return static_cast<std::uint32_t>(by == 32 ? as_signed >> 31 : as_signed >> by);
  }
  const unsigned by = amount & 31;
  const std::uint32_t result = by == 0 ? value : value >> by | value << (32 - by);
  carry = result >> 31;
  return result;
}

/// To `bits` bits: -2^(bits-1) .. 2^(bits-1) - 1.
inline std::uint32_t saturate_signed(std::int64_t value, unsigned bits, bool& saturated) {
  const std::int64_t most = (std::int64_t{1} << (bits - 1)) - 1;
  const std::int64_t least = -most - 1;
  if (value > most || value < least) saturated = true;
  return static_cast<std::uint32_t>(value > most ? most : value < least ? least : value);
}
/// To 0 .. 2^bits - 1.
inline std::uint32_t saturate_unsigned(std::int64_t value, unsigned bits, bool& saturated) {
  const std::int64_t most = (std::int64_t{1} << bits) - 1;
  if (value > most || value < 0) saturated = true;
  return static_cast<std::uint32_t>(value > most ? most : value < 0 ? 0 : value);
}

/// The sum of the products of both signed half-words: SMUAD, SMLAD.
inline std::int64_t dual_product_sum(std::uint32_t a, std::uint32_t b) {
  const std::int64_t low = std::int64_t{static_cast<std::int16_t>(a)} * static_cast<std::int16_t>(b);
  const std::int64_t high =
      std::int64_t{static_cast<std::int32_t>(a) >> 16} * (static_cast<std::int32_t>(b) >> 16);
  return low + high;
}

/// Bytes 0 and 2, each extended to a half-word: SXTB16.
inline std::uint32_t extend_bytes(std::uint32_t word) {
  const auto low = static_cast<std::int8_t>(word);
  const auto high = static_cast<std::int8_t>(word >> 16);
  return (static_cast<std::uint32_t>(low) & 0xffff) | static_cast<std::uint32_t>(high) << 16;
}

}  // namespace pico_llama::simulator
