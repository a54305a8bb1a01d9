#pragma once
#include <array>
#include <cstdint>

#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// The one-time-programmable memory of an unsecured chip with its factory identity and page locks: 4096 rows
/// of 24 bits, which can only be set, through the bridge to the array's own controllers. A Stop: to program
/// the critical flags and the access keys, and everything of the controllers but programming one raw row.
/// Source: datasheet chapter 13; the controllers: the boot ROM's source (raspberrypi/pico-bootrom-rp2350,
/// A2).
class Otp : public RegisterDevice {
 public:
  static constexpr unsigned kRows = 4096, kPageRows = 64;

  /// The chip id comes from `seed`. `gpios`: of the package, 48 (QFN-80) or 30 (QFN-60).
  Otp(const Timebase& timebase, std::uint64_t seed, std::uint16_t gpios);
  void reset() override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

  /// The 24 bits of a row.
  std::uint32_t raw(unsigned number) const { return rows_[number]; }
  /// The result of an error-corrected read: 16 bits.
  std::uint16_t row(unsigned number) const;
  std::uint64_t chip_id() const;

  enum class Refusal : std::uint8_t { kNone, kPort, kLock };
  /// Whether the data port may read a row now; if not, INTR says why.
  Refusal refuses(unsigned number, const Access& access);

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  /// A controller behind the bridge: the data path (DAP) or the one that programs (PMC).
  using Controller = std::array<std::uint8_t, 64>;

  void execute(std::uint32_t instruction, Cycle now);
  void command(std::uint8_t command, Cycle now);
  void program(Cycle now);
  bool busy(Cycle now) const { return now < ready_; }

  const Timebase& timebase_;
  std::array<std::uint32_t, kRows> rows_{};
  Controller data_path_{}, programmer_{};
  bool started_ = false;
  Cycle ready_ = 0;  ///< when the row being programmed will be
};

/// The four windows in which rows can be read: error-corrected (two rows in a word) or raw (one row of 24
/// bits in a word), each also guarded: a failure is a bus fault there.
class OtpData : public Device {
 public:
  explicit OtpData(Otp& otp) : otp_(otp) {}
  std::string_view name() const override { return "OTP_DATA"; }
  bool has_atomic_aliases() const override { return false; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

 private:
  Otp& otp_;
};

}  // namespace pico_llama::simulator
