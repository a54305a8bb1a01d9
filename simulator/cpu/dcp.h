#pragma once
#include <cstdint>

#include "simulator/cpu/coprocessor.h"

namespace pico_llama::simulator {

/// The double-precision coprocessor (datasheet section 3.6.2; encodings: the SDK's dcp_instr.inc.S). CP4 in
/// Secure state, CP5 is the Non-secure instance.
///
/// Two unpacked numbers X and Y, each mantissa * 2^(exponent - 62), and the SDK's canned sequences that move
/// mantissas through the CPU's multiplier. The fixed-point scales of mantissas in transfers follow from
/// those sequences. Exact: add, subtract, multiply, the correctly rounded divide and square root, conversions
/// and comparisons (subnormals are flushed). [ASSUMED], as not published: the two tables of
/// approximations (so the last bit of the "fast" divide and square root), the NaN result
/// (positive, quiet), NaN to integer (0), VERSION (1), and where the state words keep the exponents.
class Dcp final : public Coprocessor {
 public:
  bool mcr(const Op& op, std::uint32_t value) override;
  bool mrc(const Op& op, std::uint32_t& value) override;
  bool mcrr(const Op& op, std::uint32_t low, std::uint32_t high) override;
  bool mrrc(const Op& op, std::uint32_t& low, std::uint32_t& high) override;
  bool cdp(const Op& op) override;

 private:
  struct Number {
    std::uint64_t mantissa = 0;
    int exponent = 0;
    bool sign = false, zero = false, infinite = false, nan = false;
    std::uint32_t flags() const {
      return (sign ? 8u : 0) | (zero ? 4u : 0) | (infinite ? 2u : 0) | (nan ? 1u : 0);
    }
    void set_flags(std::uint32_t flags);
  };
  enum class Result { kAdd, kSubtract, kMultiply, kDivide, kSquareRoot, kGeneral };

  static Number unpack_double(std::uint32_t low, std::uint32_t high);
  static Number unpack_single(std::uint32_t bits);
  void write_product(std::uint64_t mantissa, int exponent, bool sign);
  void add(bool subtracts);
  void round(unsigned precision);
  void to_integer(bool truncates);
  std::uint64_t pack(Result result, unsigned fraction_bits, unsigned exponent_bits) const;
  std::uint32_t compared() const;

  Number x_, y_;
  bool engaged_ = false;
};

}  // namespace pico_llama::simulator
