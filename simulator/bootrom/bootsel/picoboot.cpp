#include "simulator/bootrom/bootsel/picoboot.h"

#include <algorithm>
#include <cstring>

#include "simulator/bootrom/rom_otp.h"

namespace pico_llama::simulator::bootsel {
namespace {

constexpr std::uint32_t kMagic = 0x431fd10b;
constexpr std::size_t kCommandBytes = 32;
constexpr std::uint8_t kInterfaceReset = 0x41, kGetCommandStatus = 0x42;
enum CommandId : std::uint8_t {
  kExclusiveAccess = 0x01,
  kFlashErase = 0x03,
  kWrite = 0x05,
  kExitXip = 0x06,
  kEnterXip = 0x07,
  kReboot2 = 0x0a,
  kOtpWrite = 0x0d,
  kRead = 0x84,
  kGetInfo = 0x8b,
  kOtpRead = 0x8c,
};
constexpr std::uint32_t kPage = 256, kSector = 4096;

enum class Memory : std::uint8_t { kNone, kRom, kFlash, kRam };
/// The memory that holds the whole range.
Memory memory_of(std::uint32_t address, std::uint32_t bytes) {
  const auto within = [&](std::uint32_t first, std::uint32_t end) {
    return address >= first && address <= end && bytes <= end - address;
  };
  if (within(0, 0x8000)) return Memory::kRom;
  if (within(0x10000000, 0x12000000)) return Memory::kFlash;
  if (within(0x20000000, 0x20082000)) return Memory::kRam;
  return Memory::kNone;
}
constexpr std::uint32_t kFlash = 0x10000000;
// FLASH_DEVINFO of an unprogrammed chip: 16 MB on chip select 0, nothing on 1.
constexpr std::uint32_t kFlashEnd = 0x11000000;

/// Number of bytes of arguments, or nothing for a command that there is not.
std::optional<unsigned> argument_bytes(std::uint8_t id) {
  switch (id) {
    case kExclusiveAccess:
      return 1;
    case kFlashErase:
    case kRead:
    case kWrite:
      return 8;
    case kExitXip:
    case kEnterXip:
      return 0;
    case kReboot2:
    case kGetInfo:
      return 16;
    case kOtpRead:
    case kOtpWrite:
      return 5;
    default:
      return std::nullopt;
  }
}

void append_word(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

}  // namespace

std::uint32_t Picoboot::Command::word(std::size_t at) const {
  std::uint32_t value = 0;
  std::memcpy(&value, args.data() + at, 4);
  return value;
}

Picoboot::Picoboot(RomBus& bus, PicobootServices& services, MassStorage& drive)
    : bus_(bus), services_(services), drive_(drive), endpoints_(bus, 3, 4) {}

void Picoboot::configured() {
  job_.reset();
  otp_job_.reset();
  job_running_ = otp_job_running_ = in_progress_ = false;
  await_command();
}

void Picoboot::await_command() {
  in_progress_ = false;
  state_ = State::kCommand;
  endpoints_.receive();
}

void Picoboot::acknowledge() {
  state_ = State::kAcknowledge;
  endpoints_.send({});
}

void Picoboot::fail(Status status) {
  status_ = status;
  in_progress_ = false;
  state_ = State::kHalted;
  endpoints_.stall(false);
  endpoints_.stall(true);
}

void Picoboot::halt_cleared(bool) {
  if (state_ == State::kHalted && !endpoints_.stalled(false) && !endpoints_.stalled(true)) await_command();
}

std::optional<std::vector<std::uint8_t>> Picoboot::control(const Setup& setup) {
  if (setup.request == kInterfaceReset && (setup.request_type & 0x80) == 0) {
    job_.reset();
    otp_job_.reset();
    job_running_ = otp_job_running_ = false;
    endpoints_.cancel();
    command_ = {};
    status_ = kOk;
    drive_.set_exclusive(Exclusive::kNo);
    drive_.abort();
    await_command();
    return std::vector<std::uint8_t>{};
  }
  if (setup.request != kGetCommandStatus || (setup.request_type & 0x80) == 0) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  append_word(bytes, command_.token);
  append_word(bytes, status_);
  bytes.push_back(command_.id);
  bytes.push_back(in_progress_ ? 1 : 0);
  bytes.resize(16, 0);
  return bytes;
}

void Picoboot::received(std::span<const std::uint8_t> packet) {
  if (state_ == State::kDataInEnd) return await_command();  // the host's empty packet
  if (state_ == State::kDataOut) {
    if (packet.size() > left_) return fail(kInvalidTransferLength);
    data_.insert(data_.end(), packet.begin(), packet.end());
    left_ -= static_cast<std::uint32_t>(packet.size());
    if (data_.size() >= kPage || left_ == 0) return page_complete();
    return endpoints_.receive();
  }
  if (state_ != State::kCommand) return;
  std::uint32_t magic = 0;
  if (packet.size() == kCommandBytes) std::memcpy(&magic, packet.data(), 4);
  command_ = {};
  if (magic != kMagic) return fail(kUnknownError);
  std::memcpy(&command_.token, packet.data() + 4, 4);
  command_.id = packet[8];
  command_.size = packet[9];
  std::memcpy(&command_.transfer, packet.data() + 12, 4);
  std::copy_n(packet.begin() + 16, command_.args.size(), command_.args.begin());
  status_ = kOk;
  in_progress_ = true;
  const std::optional<unsigned> arguments = argument_bytes(command_.id);
  if (!arguments) return fail(kUnknownCommand);
  if (command_.size != *arguments) return fail(kInvalidCommandLength);
  if (rebooting_) return fail(kRebooting);
  const Status status = execute();
  if (status != kOk) fail(status);
}

Picoboot::Status Picoboot::status_of(std::int32_t rom_error) {
  switch (rom_error) {  // pico/error.h
    case -4:
      return kNotPermitted;
    case -5:
      return kInvalidArgument;
    case -10:
      return kInvalidAddress;
    case -11:
      return kBadAlignment;
    case -13:
      return kBufferTooSmall;
    case -17:
      return kNotFound;
    case -18:
      return kUnsupportedModification;
    default:
      return rom_error >= 0 ? kOk : kUnknownError;
  }
}

Picoboot::Status Picoboot::execute() {
  const bool moves_data = command_.id == kRead || command_.id == kWrite || command_.id == kGetInfo ||
                          command_.id == kOtpRead || command_.id == kOtpWrite;
  if (!moves_data && command_.transfer != 0) return kInvalidTransferLength;
  switch (command_.id) {
    case kExclusiveAccess:
      if (command_.args[0] > 2) return kInvalidArgument;
      drive_.set_exclusive(static_cast<Exclusive>(command_.args[0]));
      acknowledge();
      return kOk;
    case kExitXip:
    case kEnterXip:
      acknowledge();
      return kOk;
    case kFlashErase:
      return begin_erase();
    case kRead:
      return begin_read();
    case kWrite:
      return begin_write();
    case kReboot2: {
      const Status status = status_of(
          services_.reboot(command_.word(0), command_.word(4), command_.word(8), command_.word(12)));
      if (status != kOk) return status;
      rebooting_ = true;
      acknowledge();
      return kOk;
    }
    case kGetInfo:
      return get_info();
    case kOtpRead:
      return read_otp();
    default:
      return begin_otp_write();
  }
}

Picoboot::Status Picoboot::begin_erase() {
  address_ = command_.word(0);
  left_ = command_.word(4);
  if (address_ % kSector != 0 || left_ % kSector != 0) return kBadAlignment;
  if (memory_of(address_, left_) != Memory::kFlash) return kInvalidAddress;
  if (address_ + left_ > kFlashEnd) return kNotPermitted;
  state_ = State::kFlash;
  if (left_ == 0) {
    acknowledge();
    return kOk;
  }
  job_ = FlashJob{address_ - kFlash, true, false, {}};
  return kOk;
}

Picoboot::Status Picoboot::begin_read() {
  address_ = command_.word(0);
  left_ = command_.word(4);
  if (left_ != command_.transfer) return kInvalidTransferLength;
  const Memory memory = memory_of(address_, left_);
  if (memory == Memory::kNone) return kInvalidAddress;
  if (memory == Memory::kFlash && address_ + left_ > kFlashEnd) return kNotPermitted;
  if (left_ == 0) {
    acknowledge();
    return kOk;
  }
  from_memory_ = true;
  state_ = State::kDataIn;
  send_data();
  return kOk;
}

Picoboot::Status Picoboot::begin_write() {
  address_ = command_.word(0);
  left_ = command_.word(4);
  if (left_ != command_.transfer) return kInvalidTransferLength;
  const Memory memory = memory_of(address_, left_);
  if (memory != Memory::kFlash && memory != Memory::kRam) return kInvalidAddress;
  if (memory == Memory::kFlash && address_ % kPage != 0) return kBadAlignment;
  if (memory == Memory::kFlash && address_ + left_ > kFlashEnd) return kNotPermitted;
  if (left_ == 0) {
    acknowledge();
    return kOk;
  }
  data_.clear();
  state_ = State::kDataOut;
  endpoints_.receive();
  return kOk;
}

Picoboot::Status Picoboot::get_info() {
  enum Type : std::uint8_t { kSystem = 1, kPartition = 2, kTargetPartition = 3, kUf2Status = 4 };
  const std::uint32_t parameter = command_.word(4);
  if (command_.transfer == 0 || command_.transfer % 4 != 0 || command_.transfer > 256)
    return kInvalidTransferLength;
  std::vector<std::uint32_t> words;
  switch (command_.args[0]) {
    case kSystem:
      if (const std::int32_t error = services_.sys_info(parameter, words); error < 0) return status_of(error);
      break;
    case kPartition:
      if (const std::int32_t error = services_.partition_table_info(parameter, words); error < 0)
        return status_of(error);
      break;
    case kTargetPartition: {
      constexpr std::uint32_t kAnyAddress = 0xff, kNowhere = 0xffffffff, kTableInfo = 1;
      if (!Uf2Download::is_accepted(parameter)) {
        words = {kNowhere};
        break;
      }
      std::vector<std::uint32_t> table;  // flags, partitions, location and flags of the space without one
      if (const std::int32_t error = services_.partition_table_info(kTableInfo, table); error < 0)
        return status_of(error);
      words = {kAnyAddress, table.at(2), table.at(3)};
      break;
    }
    case kUf2Status: {
      const Uf2Download::Status status = drive_.download().status();
      words = {status.flags, status.family, status.done, status.blocks};
      break;
    }
    default:
      return kInvalidArgument;
  }
  if (4 * (words.size() + 1) > command_.transfer) return kBufferTooSmall;
  data_.clear();
  append_word(data_, static_cast<std::uint32_t>(words.size()));
  for (const std::uint32_t word : words) append_word(data_, word);
  data_.resize(command_.transfer, 0);
  from_memory_ = false;
  moved_ = 0;
  state_ = State::kDataIn;
  send_data();
  return kOk;
}

Picoboot::Status Picoboot::read_otp() {
  const std::uint32_t row = command_.word(0) & 0xffff, rows = command_.word(0) >> 16;
  if (command_.transfer == 0 || command_.transfer != rows * otp_row_bytes()) return kInvalidTransferLength;
  data_.assign(command_.transfer, 0);
  const std::uint32_t ecc = command_.args[4] != 0 ? rom_otp::kEcc : 0;
  if (const std::int32_t error = services_.read_otp(row | ecc, data_); error < 0) return status_of(error);
  from_memory_ = false;
  moved_ = 0;
  state_ = State::kDataIn;
  send_data();
  return kOk;
}

Picoboot::Status Picoboot::begin_otp_write() {
  address_ = command_.word(0) & 0xffff;
  left_ = (command_.word(0) >> 16) * otp_row_bytes();
  if (command_.transfer == 0 || command_.transfer != left_) return kInvalidTransferLength;
  data_.clear();
  state_ = State::kDataOut;
  endpoints_.receive();
  return kOk;
}

void Picoboot::send_data() {
  std::vector<std::uint8_t> packet;
  if (from_memory_) {
    packet.resize(std::min<std::size_t>(left_, BulkEndpoints::kPacketBytes));
    // Flash without the cache, which does not know that the chip has been written.
    constexpr std::uint32_t kUncached = 0x1c000000;
    const std::uint32_t from =
        address_ >= kFlash && address_ < kFlashEnd ? address_ - kFlash + kUncached : address_;
    for (std::uint32_t i = 0; i < packet.size(); ++i)
      packet[i] = static_cast<std::uint8_t>(bus_.load(from + i, 1));
    address_ += static_cast<std::uint32_t>(packet.size());
    left_ -= static_cast<std::uint32_t>(packet.size());
  } else {
    const std::size_t bytes = std::min(data_.size() - moved_, BulkEndpoints::kPacketBytes);
    packet.assign(data_.begin() + static_cast<std::ptrdiff_t>(moved_),
                  data_.begin() + static_cast<std::ptrdiff_t>(moved_ + bytes));
    moved_ += bytes;
  }
  endpoints_.send(packet);
}

void Picoboot::sent() {
  if (state_ == State::kAcknowledge) return await_command();
  if (state_ != State::kDataIn) return;
  if (from_memory_ ? left_ != 0 : moved_ < data_.size()) return send_data();
  in_progress_ = false;
  state_ = State::kDataInEnd;
  endpoints_.receive();
}

void Picoboot::page_complete() {
  if (command_.id == kOtpWrite) {
    const std::uint32_t ecc = command_.args[4] != 0 ? rom_otp::kEcc : 0;
    otp_job_ = OtpJob{address_ | rom_otp::kWrite | ecc, std::move(data_)};
    address_ += static_cast<std::uint32_t>(otp_job_->bytes.size()) / otp_row_bytes();
    data_.clear();
    state_ = State::kOtp;
    return;
  }
  if (address_ < kFlash || address_ >= kFlashEnd) {
    for (std::uint32_t i = 0; i < data_.size(); ++i) bus_.store(address_ + i, data_[i], 1);
    address_ += static_cast<std::uint32_t>(data_.size());
    data_.clear();
    if (left_ == 0) return acknowledge();
    return endpoints_.receive();
  }
  data_.resize(kPage, 0);  // section 5.6.4.5: the last page is filled with zeros
  job_ = FlashJob{address_ - kFlash, false, true, {}};
  std::copy(data_.begin(), data_.end(), job_->page.begin());
  data_.clear();
  state_ = State::kFlash;
}

std::optional<FlashJob> Picoboot::take_job() {
  std::optional<FlashJob> job;
  job.swap(job_);
  job_running_ = job_running_ || job.has_value();
  return job;
}

void Picoboot::job_done() {
  if (!job_running_) return;  // the interface was reset in the meantime
  job_running_ = false;
  if (command_.id == kFlashErase) {
    address_ += kSector;
    left_ -= kSector;
    if (left_ == 0) return acknowledge();
    job_ = FlashJob{address_ - kFlash, true, false, {}};
    return;
  }
  address_ += kPage;
  if (left_ == 0) return acknowledge();
  state_ = State::kDataOut;
  endpoints_.receive();
}

std::optional<OtpJob> Picoboot::take_otp_job() {
  std::optional<OtpJob> job;
  job.swap(otp_job_);
  otp_job_running_ = otp_job_running_ || job.has_value();
  return job;
}

void Picoboot::otp_job_done(std::int32_t result) {
  if (!otp_job_running_) return;  // the interface was reset in the meantime
  otp_job_running_ = false;
  if (result < 0) return fail(status_of(result));
  if (left_ == 0) return acknowledge();
  state_ = State::kDataOut;
  endpoints_.receive();
}

void Picoboot::interleaved_write() {
  const bool writes =
      state_ == State::kFlash || (state_ == State::kDataOut && memory_of(address_, left_) == Memory::kFlash);
  if (!writes) return;
  job_.reset();
  job_running_ = false;
  fail(kInterleavedWrite);
}

}  // namespace pico_llama::simulator::bootsel
