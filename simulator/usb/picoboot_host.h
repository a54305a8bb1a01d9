#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulator/usb/host_program.h"
#include "simulator/usb/mass_storage_host.h"

namespace pico_llama::simulator {

/// The PICOBOOT interface of a board in BOOTSEL mode (RP2350 datasheet section 5.6.2).
std::optional<BulkInterface> find_picoboot(const UsbConfiguration& configuration);

/// The host's side of PICOBOOT, as picotool and a web page have it. Source: RP2350 datasheet section 5.6.
class PicobootHost {
 public:
  enum Command : std::uint8_t {
    kExclusiveAccess = 0x01,
    kReboot = 0x02,
    kFlashErase = 0x03,
    kWrite = 0x05,
    kExitXip = 0x06,
    kEnterXip = 0x07,
    kExec = 0x08,
    kVectorizeFlash = 0x09,
    kReboot2 = 0x0a,
    kOtpWrite = 0x0d,
    kRead = 0x84,
    kGetInfo = 0x8b,
    kOtpRead = 0x8c,
  };
  /// dStatusCode of section 5.6.5.2, and the ends that have none.
  enum Status : std::uint32_t {
    kOk = 0,
    kUnknownCommand = 1,
    kInvalidCommandLength = 2,
    kInvalidTransferLength = 3,
    kInvalidAddress = 4,
    kBadAlignment = 5,
    kInterleavedWrite = 6,
    kRebooting = 7,
    kUnknownError = 8,
    kInvalidState = 9,
    kNotPermitted = 10,
    kInvalidArgument = 11,
    kBufferTooSmall = 12,
    kPreconditionNotMet = 13,
    kModifiedData = 14,
    kInvalidData = 15,
    kNotFound = 16,
    kUnsupportedModification = 17,
    kGone = 0x100,     ///< the device was disconnected
    kTimedOut = 0x101  ///< it answers NAK for 30 seconds
  };
  static std::string describe(std::uint32_t status);

  struct Result {
    std::uint32_t status = kGone;
    std::vector<std::uint8_t> data;  ///< received
    bool ok() const { return status == kOk; }
  };
  struct Arguments {
    std::uint8_t size = 0;
    std::array<std::uint8_t, 16> bytes{};
    static Arguments words(std::initializer_list<std::uint32_t> words);
  };

  PicobootHost(HostProgram& program, BulkInterface interface) : program_(program), pipes_(interface) {}

  /// One command with its data phase: `length` bytes in for a command with bit 7, else `out`. A device that
  /// refuses it is asked why and reset.
  HostTask<Result> command(std::uint8_t id, Arguments arguments, std::uint32_t length,
                           std::vector<std::uint8_t> out);
  HostTask<Result> exclusive(std::uint8_t kind);
  HostTask<Result> erase(std::uint32_t address, std::uint32_t bytes);
  HostTask<Result> write(std::uint32_t address, std::vector<std::uint8_t> bytes);
  HostTask<Result> read(std::uint32_t address, std::uint32_t bytes);
  HostTask<Result> reboot2(std::uint32_t flags, std::uint32_t delay_ms, std::uint32_t p0, std::uint32_t p1);
  HostTask<Result> get_info(std::uint8_t type, std::uint32_t parameter, std::uint32_t bytes);
  HostTask<Result> otp_read(std::uint16_t row, std::uint16_t rows, bool ecc);
  /// `bytes`: two of each row with error correction, else four.
  HostTask<Result> otp_write(std::uint16_t row, bool ecc, std::vector<std::uint8_t> bytes);
  /// GET_COMMAND_STATUS: 16 bytes.
  HostTask<Result> command_status();
  /// INTERFACE_RESET, after CLEAR_FEATURE for both endpoints.
  HostTask<bool> reset();

 private:
  HostProgram& program_;
  BulkInterface pipes_;
  std::uint32_t token_ = 0;
};

}  // namespace pico_llama::simulator
