#include "simulator/bootrom/bootsel/mass_storage.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace pico_llama::simulator::bootsel {
namespace {

constexpr std::uint32_t kCommandSignature = 0x43425355, kStatusSignature = 0x53425355;
constexpr std::size_t kCommandBytes = 31;
constexpr std::uint8_t kBulkOnlyReset = 0xff, kGetMaxLun = 0xfe;

enum Scsi : std::uint8_t {
  kTestUnitReady = 0x00,
  kRequestSense = 0x03,
  kInquiry = 0x12,
  kModeSense6 = 0x1a,
  kStartStopUnit = 0x1b,
  kPreventAllowRemoval = 0x1e,
  kReadFormatCapacities = 0x23,
  kReadCapacity10 = 0x25,
  kRead10 = 0x28,
  kWrite10 = 0x2a,
  kVerify10 = 0x2f,
  kSynchronizeCache10 = 0x35,
  kModeSense10 = 0x5a,
};

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

void append_big_endian(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_little_endian(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t little_endian(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

}  // namespace

MassStorage::MassStorage(RomBus& bus, std::uint32_t serial_number,
                         std::function<void(std::uint32_t, std::span<const std::uint8_t>)> store_ram)
    : endpoints_(bus, 2, 1), drive_(serial_number), store_ram_(std::move(store_ram)) {}

void MassStorage::configured() {
  job_.reset();
  job_running_ = false;
  await_command();
}

void MassStorage::await_command() {
  state_ = State::kCommand;
  endpoints_.receive();
}

void MassStorage::abort() {
  download_.abort(Uf2Download::kExclusivelyLocked);
  job_.reset();
  job_running_ = false;
  endpoints_.cancel();
  await_command();
}

void MassStorage::set_exclusive(Exclusive exclusive) {
  exclusive_ = exclusive;
  if (exclusive != Exclusive::kNo) download_.abort(Uf2Download::kExclusivelyLocked);
}

std::optional<std::vector<std::uint8_t>> MassStorage::control(const Setup& setup) {
  if (setup.request == kGetMaxLun) return std::vector<std::uint8_t>{0};
  if (setup.request != kBulkOnlyReset) return std::nullopt;
  // Section 3.1: ready for the next command; a halt stays until the host clears it, as do the data toggles.
  job_.reset();
  job_running_ = false;
  if (!endpoints_.stalled(false) && !endpoints_.stalled(true)) endpoints_.cancel();
  state_ = State::kCommand;
  if (!endpoints_.stalled(false)) endpoints_.receive();
  return std::vector<std::uint8_t>{};
}

void MassStorage::halt_cleared(bool in) {
  if (state_ == State::kBroken) {  // section 6.6.1: until reset recovery
    endpoints_.stall(in);
    return;
  }
  if (state_ == State::kHalted) return send_status();
  if (state_ == State::kCommand && !in) endpoints_.receive();
}

void MassStorage::received(std::span<const std::uint8_t> packet) {
  if (state_ == State::kCommand) return on_command(packet);
  if (state_ != State::kDataOut) return;
  buffer_.insert(buffer_.end(), packet.begin(), packet.end());
  moved_ += static_cast<std::uint32_t>(packet.size());
  if (buffer_.size() >= Drive::kSectorBytes) return sector_complete();
  endpoints_.receive();
}

void MassStorage::on_command(std::span<const std::uint8_t> packet) {
  const bool valid = packet.size() == kCommandBytes && little_endian(packet, 0) == kCommandSignature &&
                     packet[13] == 0 && packet[14] >= 1 && packet[14] <= 16;
  if (!valid) {
    state_ = State::kBroken;
    endpoints_.stall(false);
    endpoints_.stall(true);
    return;
  }
  tag_ = little_endian(packet, 4);
  expected_ = little_endian(packet, 8);
  to_host_ = (packet[12] & 0x80) != 0;
  moved_ = 0;
  failed_ = false;
  data_.clear();
  buffer_.clear();
  sectors_left_ = 0;
  execute(packet.subspan(15, 16));
}

/// Ends a command that moves no data.
void MassStorage::succeed() { reply({}); }

void MassStorage::reply(std::vector<std::uint8_t> data) {
  sense_ = {};
  data_ = std::move(data);
  if (data_.size() > expected_) data_.resize(expected_);
  if (expected_ == 0) return send_status();
  if (!to_host_ || data_.empty()) {  // section 6.7.2, 6.7.3: the host expects data that there is not
    state_ = State::kHalted;
    return endpoints_.stall(to_host_);
  }
  state_ = State::kDataIn;
  send_data();
}

void MassStorage::fail(Sense sense) {
  failed_ = true;
  sense_ = sense;
  if (expected_ == 0) return send_status();
  state_ = State::kHalted;
  endpoints_.stall(to_host_);
}

void MassStorage::execute(std::span<const std::uint8_t> command) {
  constexpr Sense kInvalidCommand{5, 0x20}, kNotPresent{2, 0x3a}, kWriteProtected{7, 0x27};
  const bool present = exclusive_ != Exclusive::kEjected && !ejected_by_host_;
  switch (command[0]) {
    case kRequestSense: {
      const Sense sense = sense_;
      return reply({0x70, 0, sense.key, 0, 0, 0, 0, 10, 0, 0, 0, 0, sense.code, 0, 0, 0, 0, 0});
    }
    case kInquiry: {
      constexpr std::string_view kText = "RPI     RP2350          1   ";
      std::vector<std::uint8_t> data{0, 0x80, 2, 2, 31, 0, 0, 0};  // removable, SCSI-2
      data.insert(data.end(), kText.begin(), kText.end());
      return reply(std::move(data));
    }
    case kStartStopUnit:
      if ((command[4] & 3) == 2) ejected_by_host_ = true;
      return succeed();
    case kPreventAllowRemoval:
      return succeed();
    default:
      break;
  }
  if (!present) return fail(kNotPresent);
  const std::uint8_t protection = exclusive_ == Exclusive::kWriteProtected ? 0x80 : 0;
  switch (command[0]) {
    case kTestUnitReady:
    case kVerify10:
    case kSynchronizeCache10:
      return succeed();
    case kModeSense6:
      return reply({3, 0, protection, 0});
    case kModeSense10:
      return reply({0, 6, 0, protection, 0, 0, 0, 0});
    case kReadCapacity10: {
      std::vector<std::uint8_t> data;
      append_big_endian(data, Drive::kSectors - 1);
      append_big_endian(data, Drive::kSectorBytes);
      return reply(std::move(data));
    }
    case kReadFormatCapacities: {
      std::vector<std::uint8_t> data{0, 0, 0, 8};
      append_big_endian(data, Drive::kSectors);
      append_big_endian(data, 2U << 24 | Drive::kSectorBytes);  // formatted
      return reply(std::move(data));
    }
    case kRead10:
      if (!check_range(command)) return;
      if (sectors_left_ == 0) return succeed();
      sense_ = {};
      state_ = State::kDataIn;
      return send_data();
    case kWrite10:
      if (!check_range(command)) return;
      if (protection != 0) return fail(kWriteProtected);
      if (sectors_left_ == 0) return succeed();
      sense_ = {};
      state_ = State::kDataOut;
      return endpoints_.receive();
    default:
      return fail(kInvalidCommand);
  }
}

/// READ(10), WRITE(10): the sectors exist, and the host expects just their bytes.
bool MassStorage::check_range(std::span<const std::uint8_t> command) {
  constexpr Sense kOutOfRange{5, 0x21}, kInvalidField{5, 0x24};
  sector_ = big_endian(command.subspan(2, 4));
  sectors_left_ = big_endian(command.subspan(7, 2));
  if (sector_ >= Drive::kSectors || sectors_left_ > Drive::kSectors - sector_) {
    fail(kOutOfRange);
    return false;
  }
  const bool read = command[0] == kRead10;
  if (expected_ != sectors_left_ * Drive::kSectorBytes || (expected_ != 0 && to_host_ != read)) {
    fail(kInvalidField);
    return false;
  }
  return true;
}

void MassStorage::send_data() {
  if (sectors_left_ != 0 && moved_ % Drive::kSectorBytes == 0) {
    data_.resize(moved_ + Drive::kSectorBytes);
    drive_.read(sector_++,
                std::span<std::uint8_t, Drive::kSectorBytes>(data_.data() + moved_, Drive::kSectorBytes));
    --sectors_left_;
  }
  const std::size_t bytes = std::min<std::size_t>(data_.size() - moved_, BulkEndpoints::kPacketBytes);
  endpoints_.send(std::span(data_).subspan(moved_, bytes));
  moved_ += static_cast<std::uint32_t>(bytes);
}

void MassStorage::sent() {
  if (state_ == State::kStatus) return await_command();
  if (state_ != State::kDataIn) return;
  if (sectors_left_ != 0 || moved_ < data_.size()) return send_data();
  const bool ended_short = moved_ % BulkEndpoints::kPacketBytes != 0;
  if (moved_ < expected_ && !ended_short) {  // nothing else would show the host that this is all
    state_ = State::kHalted;
    return endpoints_.stall(true);
  }
  send_status();
}

void MassStorage::send_status() {
  std::vector<std::uint8_t> status;
  append_little_endian(status, kStatusSignature);
  append_little_endian(status, tag_);
  append_little_endian(status, expected_ - moved_);
  status.push_back(failed_ ? 1 : 0);
  state_ = State::kStatus;
  endpoints_.send(status);
}

void MassStorage::sector_complete() {
  state_ = State::kBusy;
  if (exclusive_ == Exclusive::kNo) {
    const std::span<const std::uint8_t, Drive::kSectorBytes> sector(buffer_.data(), Drive::kSectorBytes);
    if (const std::optional<Uf2Download::Page> page = download_.accept(sector)) {
      if (page->flash) {
        job_ = FlashJob{page->address, page->erase, true, {}};
        std::copy(page->bytes.begin(), page->bytes.end(), job_->page.begin());
        return;
      }
      store_ram_(page->address, page->bytes);
    }
  }
  job_running_ = true;
  job_done();
}

std::optional<FlashJob> MassStorage::take_job() {
  std::optional<FlashJob> job;
  job.swap(job_);
  job_running_ = job_running_ || job.has_value();
  return job;
}

void MassStorage::job_done() {
  if (!job_running_) return;  // the host has given up in the meantime
  job_running_ = false;
  buffer_.clear();
  if (--sectors_left_ == 0) return send_status();
  state_ = State::kDataOut;
  endpoints_.receive();
}

}  // namespace pico_llama::simulator::bootsel
