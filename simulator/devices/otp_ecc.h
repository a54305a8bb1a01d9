#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// The raw contents of an OTP row that holds 16 bits with error correction: bits 15:0 the data, 21:16 a
/// modified Hamming code, 23:22 clear (datasheet section 13.6).
std::uint32_t otp_encode(std::uint16_t value);

struct OtpDecoded {
  std::uint16_t value = 0;  ///< corrected; where that is impossible, the bits as they are
  bool corrupt = false;     ///< more than one wrong bit
};

/// The reverse: undoes a repair by polarity (bits 23:22 both set: the row is inverted), corrects one wrong
/// bit and detects two.
OtpDecoded otp_decode(std::uint32_t raw);

}  // namespace pico_llama::simulator
