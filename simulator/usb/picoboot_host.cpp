#include "simulator/usb/picoboot_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kMagic = 0x431fd10b;
constexpr std::uint8_t kVendorToInterface = 0x41, kVendorFromInterface = 0xc1;
constexpr std::uint8_t kInterfaceReset = 0x41, kGetCommandStatus = 0x42;
constexpr std::size_t kStatusBytes = 16;

void append_word(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t status_of(TransferEnd end) {
  return end == TransferEnd::kTimeout ? PicobootHost::kTimedOut : PicobootHost::kGone;
}

}  // namespace

std::optional<BulkInterface> find_picoboot(const UsbConfiguration& configuration) {
  return find_interface(configuration, 0xff, 0, 0);
}

std::string PicobootHost::describe(std::uint32_t status) {
  constexpr const char* kNames[] = {"OK",
                                    "UNKNOWN_CMD",
                                    "INVALID_CMD_LENGTH",
                                    "INVALID_TRANSFER_LENGTH",
                                    "INVALID_ADDRESS",
                                    "BAD_ALIGNMENT",
                                    "INTERLEAVED_WRITE",
                                    "REBOOTING",
                                    "UNKNOWN_ERROR",
                                    "INVALID_STATE",
                                    "NOT_PERMITTED",
                                    "INVALID_ARG",
                                    "BUFFER_TOO_SMALL",
                                    "PRECONDITION_NOT_MET",
                                    "MODIFIED_DATA",
                                    "INVALID_DATA",
                                    "NOT_FOUND",
                                    "UNSUPPORTED_MODIFICATION"};
  if (status < std::size(kNames)) return kNames[status];
  if (status == kGone) return "the device was disconnected";
  if (status == kTimedOut) return "no answer for 30 seconds";
  return fmt::format("status {}", status);
}

PicobootHost::Arguments PicobootHost::Arguments::words(std::initializer_list<std::uint32_t> words) {
  Arguments arguments;
  arguments.size = static_cast<std::uint8_t>(4 * words.size());
  std::memcpy(arguments.bytes.data(), words.begin(), arguments.size);
  return arguments;
}

HostTask<PicobootHost::Result> PicobootHost::command(std::uint8_t id, Arguments arguments,
                                                     std::uint32_t length, std::vector<std::uint8_t> out) {
  std::vector<std::uint8_t> packet;
  append_word(packet, kMagic);
  append_word(packet, ++token_);
  packet.insert(packet.end(), {id, arguments.size, 0, 0});
  append_word(packet, length);
  packet.insert(packet.end(), arguments.bytes.begin(), arguments.bytes.end());

  Result result;
  const bool in = (id & 0x80) != 0;
  HostProgram::Outcome step = co_await program_.bulk_out(pipes_.out, std::move(packet));
  if (step.ok() && in && length != 0) {
    step = co_await program_.bulk_in(pipes_.in, length);
    result.data = std::move(step.data);
    if (step.ok()) {
      std::vector<std::uint8_t> empty;
      step = co_await program_.bulk_out(pipes_.out, std::move(empty));
    }
  } else if (step.ok()) {
    if (!out.empty()) step = co_await program_.bulk_out(pipes_.out, std::move(out));
    if (step.ok()) step = co_await program_.bulk_in(pipes_.in, 0);
  }
  if (step.ok()) {
    result.status = kOk;
    co_return result;
  }
  if (step.end != TransferEnd::kStalled) {
    result.status = status_of(step.end);
    co_return result;
  }
  const Result status = co_await command_status();
  result.status = status.status;
  if (status.data.size() == kStatusBytes) std::memcpy(&result.status, status.data.data() + 4, 4);
  if (result.status == kOk) result.status = kUnknownError;  // refused, and no reason given
  if (status.status != kGone) (void)co_await reset();
  co_return result;
}

HostTask<PicobootHost::Result> PicobootHost::command_status() {
  ControlTransfer transfer;
  transfer.request_type = kVendorFromInterface;
  transfer.request = kGetCommandStatus;
  transfer.index = static_cast<std::uint16_t>(pipes_.number);
  transfer.length = kStatusBytes;
  HostProgram::Outcome outcome = co_await program_.control(std::move(transfer));
  Result result;
  result.status = outcome.ok() ? kOk : status_of(outcome.end);
  if (outcome.end == TransferEnd::kStalled) result.status = kUnknownError;
  result.data = std::move(outcome.data);
  co_return result;
}

HostTask<bool> PicobootHost::reset() {
  (void)co_await program_.clear_halt(pipes_.in, true);
  (void)co_await program_.clear_halt(pipes_.out, false);
  ControlTransfer transfer;
  transfer.request_type = kVendorToInterface;
  transfer.request = kInterfaceReset;
  transfer.index = static_cast<std::uint16_t>(pipes_.number);
  const HostProgram::Outcome outcome = co_await program_.control(std::move(transfer));
  co_return outcome.ok();
}

HostTask<PicobootHost::Result> PicobootHost::exclusive(std::uint8_t kind) {
  Arguments arguments;
  arguments.size = 1;
  arguments.bytes[0] = kind;
  return command(kExclusiveAccess, arguments, 0, {});
}

HostTask<PicobootHost::Result> PicobootHost::erase(std::uint32_t address, std::uint32_t bytes) {
  return command(kFlashErase, Arguments::words({address, bytes}), 0, {});
}

HostTask<PicobootHost::Result> PicobootHost::write(std::uint32_t address, std::vector<std::uint8_t> bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  return command(kWrite, Arguments::words({address, size}), size, std::move(bytes));
}

HostTask<PicobootHost::Result> PicobootHost::read(std::uint32_t address, std::uint32_t bytes) {
  return command(kRead, Arguments::words({address, bytes}), bytes, {});
}

HostTask<PicobootHost::Result> PicobootHost::reboot2(std::uint32_t flags, std::uint32_t delay_ms,
                                                     std::uint32_t p0, std::uint32_t p1) {
  return command(kReboot2, Arguments::words({flags, delay_ms, p0, p1}), 0, {});
}

HostTask<PicobootHost::Result> PicobootHost::get_info(std::uint8_t type, std::uint32_t parameter,
                                                      std::uint32_t bytes) {
  return command(kGetInfo, Arguments::words({type, parameter, 0, 0}), bytes, {});
}

namespace {
PicobootHost::Arguments otp_arguments(std::uint16_t row, std::uint32_t rows, bool ecc) {
  PicobootHost::Arguments arguments = PicobootHost::Arguments::words({row | rows << 16, ecc ? 1U : 0U});
  arguments.size = 5;
  return arguments;
}
}  // namespace

HostTask<PicobootHost::Result> PicobootHost::otp_read(std::uint16_t row, std::uint16_t rows, bool ecc) {
  return command(kOtpRead, otp_arguments(row, rows, ecc), rows * (ecc ? 2U : 4U), {});
}

HostTask<PicobootHost::Result> PicobootHost::otp_write(std::uint16_t row, bool ecc,
                                                       std::vector<std::uint8_t> bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  return command(kOtpWrite, otp_arguments(row, size / (ecc ? 2 : 4), ecc), size, std::move(bytes));
}

}  // namespace pico_llama::simulator
