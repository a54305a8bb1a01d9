#pragma once
#include <functional>

#include "simulator/bootrom/bootsel/flash_job.h"
#include "simulator/bootrom/bootsel/mass_storage.h"
#include "simulator/bootrom/bootsel/usb_device.h"

namespace pico_llama::simulator::bootsel {

/// What PICOBOOT commands need of the boot ROM.
class PicobootServices {
 public:
  virtual ~PicobootServices() = default;
  /// get_sys_info() and get_partition_table_info(): the words that they return, the first one is the flags
  /// that were answered; or a negative error code of the ROM's functions.
  virtual std::int32_t sys_info(std::uint32_t flags, std::vector<std::uint32_t>& words) = 0;
  virtual std::int32_t partition_table_info(std::uint32_t flags, std::vector<std::uint32_t>& words) = 0;
  /// otp_access(), reading: 0 or an error code.
  virtual std::int32_t read_otp(std::uint32_t row_and_flags, std::span<std::uint8_t> bytes) = 0;
  virtual std::int32_t reboot(std::uint32_t flags, std::uint32_t delay_ms, std::uint32_t p0,
                              std::uint32_t p1) = 0;
};

/// Rows of OTP to program, as otp_access() takes them.
struct OtpJob {
  std::uint32_t row_and_flags = 0;
  std::vector<std::uint8_t> bytes;
};

/// The PICOBOOT interface: 32-byte commands on the bulk OUT endpoint.
/// Source: RP2350 datasheet section 5.6; the SDK's boot/picoboot.h (layout of GET_INFO's arguments).
class Picoboot : public BulkFunction {
 public:
  Picoboot(RomBus& bus, PicobootServices& services, MassStorage& drive);

  BulkEndpoints& endpoints() override { return endpoints_; }
  void configured() override;
  void received(std::span<const std::uint8_t> packet) override;
  void sent() override;
  void halt_cleared(bool in) override;
  std::optional<std::vector<std::uint8_t>> control(const Setup& setup) override;

  std::optional<FlashJob> take_job();
  void job_done();
  std::optional<OtpJob> take_otp_job();
  /// `result`: of otp_access().
  void otp_job_done(std::int32_t result);
  /// The drive is about to write to flash: ends a command that does so, too.
  void interleaved_write();

 private:
  enum class State : std::uint8_t {
    kCommand,
    kDataIn,
    kDataInEnd,
    kDataOut,
    kFlash,
    kOtp,
    kAcknowledge,
    kHalted
  };
  /// Section 5.6.5.2.
  enum Status : std::uint32_t {
    kOk,
    kUnknownCommand,
    kInvalidCommandLength,
    kInvalidTransferLength,
    kInvalidAddress,
    kBadAlignment,
    kInterleavedWrite,
    kRebooting,
    kUnknownError,
    kInvalidState,
    kNotPermitted,
    kInvalidArgument,
    kBufferTooSmall,
    kPreconditionNotMet,
    kModifiedData,
    kInvalidData,
    kNotFound,
    kUnsupportedModification,
  };
  struct Command {
    std::uint32_t token = 0;
    std::uint8_t id = 0, size = 0;
    std::uint32_t transfer = 0;
    std::array<std::uint8_t, 16> args{};
    std::uint32_t word(std::size_t at) const;
  };
  /// Carries out command_, or starts its data phase. Errors: a status other than kOk.
  Status execute();
  Status begin_read();
  Status begin_write();
  Status begin_erase();
  Status get_info();
  Status read_otp();
  Status begin_otp_write();
  /// Bytes of a row in OTP_READ and OTP_WRITE.
  std::uint32_t otp_row_bytes() const { return command_.args[4] != 0 ? 2 : 4; }
  static Status status_of(std::int32_t rom_error);
  void await_command();
  void acknowledge();
  void fail(Status status);
  void send_data();
  void page_complete();

  RomBus& bus_;
  PicobootServices& services_;
  MassStorage& drive_;
  BulkEndpoints endpoints_;
  State state_ = State::kCommand;
  Command command_;
  Status status_ = kOk;
  bool in_progress_ = false;
  bool rebooting_ = false;
  std::uint32_t address_ = 0;       ///< of the memory that is read, written or erased; OTP: a row
  std::uint32_t left_ = 0;          ///< bytes
  bool from_memory_ = false;        ///< kDataIn: from address_, else from data_
  std::vector<std::uint8_t> data_;  ///< an answer, or the page being filled
  std::size_t moved_ = 0;
  std::optional<FlashJob> job_;
  bool job_running_ = false;
  std::optional<OtpJob> otp_job_;
  bool otp_job_running_ = false;
};

}  // namespace pico_llama::simulator::bootsel
