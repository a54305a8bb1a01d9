#pragma once
#include <array>

#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// The one-time-programmable memory of an unprogrammed, unsecured chip with its factory identity: 4096 rows
/// (datasheet chapter 13). Programming is a Stop.
class Otp : public RegisterDevice {
 public:
  static constexpr unsigned kRows = 4096;

  /// The chip id comes from `seed`. `gpios`: of the package, 48 (QFN-80) or 30 (QFN-60).
  Otp(std::uint64_t seed, std::uint16_t gpios);

  /// The result of an error-corrected read: 16 bits.
  std::uint16_t row(unsigned number) const { return rows_[number]; }
  std::uint64_t chip_id() const;

 private:
  std::array<std::uint16_t, kRows> rows_{};
};

/// The four windows in which rows can be read: error-corrected (two rows in a word) or raw (one row of 24
/// bits in a word), each also guarded.
class OtpData : public Device {
 public:
  explicit OtpData(const Otp& otp) : otp_(otp) {}
  std::string_view name() const override { return "OTP_DATA"; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

 private:
  const Otp& otp_;
};

}  // namespace pico_llama::simulator
