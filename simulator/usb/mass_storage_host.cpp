#include "simulator/usb/mass_storage_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kCommandSignature = 0x43425355, kStatusSignature = 0x53425355;
constexpr std::size_t kStatusBytes = 13;
constexpr std::uint8_t kClassToInterface = 0x21, kBulkOnlyReset = 0xff;
constexpr std::uint8_t kTestUnitReady = 0x00, kRequestSense = 0x03, kInquiry = 0x12, kModeSense6 = 0x1a,
                       kReadCapacity10 = 0x25, kRead10 = 0x28, kWrite10 = 0x2a;
// Sectors in one command: as many as Linux sends to a USB 1 or 2 drive by default.
constexpr std::size_t kMaxSectors = 240;

std::uint32_t little_endian(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

std::vector<std::uint8_t> command_block(std::uint8_t operation, std::size_t bytes) {
  std::vector<std::uint8_t> block(bytes, 0);
  block[0] = operation;
  return block;
}

/// READ(10), WRITE(10).
std::vector<std::uint8_t> transfer_block(std::uint8_t operation, std::uint32_t sector, std::size_t sectors) {
  std::vector<std::uint8_t> block = command_block(operation, 10);
  for (unsigned i = 0; i < 4; ++i) block[2 + i] = static_cast<std::uint8_t>(sector >> (24 - 8 * i));
  block[7] = static_cast<std::uint8_t>(sectors >> 8);
  block[8] = static_cast<std::uint8_t>(sectors);
  return block;
}

}  // namespace

namespace {
std::string describe_sense(MassStorageHost::Sense sense) {
  if (sense.key == 7) return "the drive is write-protected";
  if (sense.key == 2) return "the drive has no medium";
  return fmt::format("the drive refuses it (sense key {:x}h, code {:02x}h)", sense.key, sense.code);
}
}  // namespace

std::optional<BulkInterface> find_interface(const UsbConfiguration& configuration, unsigned interface_class,
                                            unsigned subclass, unsigned protocol) {
  constexpr unsigned kBulk = 2;
  for (const UsbInterface& interface : configuration.interfaces) {
    if (interface.interface_class != interface_class || interface.subclass != subclass ||
        interface.protocol != protocol) {
      continue;
    }
    BulkInterface found{interface.number, 0, 0};
    for (const UsbEndpoint& endpoint : interface.endpoints)
      if (endpoint.type == kBulk) (endpoint.in ? found.in : found.out) = endpoint.number;
    if (found.in != 0 && found.out != 0) return found;
  }
  return std::nullopt;
}

std::optional<BulkInterface> find_mass_storage(const UsbConfiguration& configuration) {
  return find_interface(configuration, 0x08, 0x06, 0x50);
}

HostTask<MassStorageHost::Result> MassStorageHost::command(std::vector<std::uint8_t> block,
                                                           std::size_t in_bytes,
                                                           std::vector<std::uint8_t> out) {
  ++tag_;
  std::vector<std::uint8_t> wrapper;
  const std::size_t length = in_bytes != 0 ? in_bytes : out.size();
  for (const std::size_t word : {std::size_t{kCommandSignature}, std::size_t{tag_}, length})
    for (unsigned byte = 0; byte < 4; ++byte) wrapper.push_back(static_cast<std::uint8_t>(word >> 8 * byte));
  wrapper.push_back(in_bytes != 0 ? 0x80 : 0);
  wrapper.push_back(0);  // LUN
  wrapper.push_back(static_cast<std::uint8_t>(block.size()));
  wrapper.insert(wrapper.end(), block.begin(), block.end());
  wrapper.resize(31, 0);

  Result result;
  const HostProgram::Outcome sent = co_await program_.bulk_out(pipes_.out, std::move(wrapper));
  if (sent.end == TransferEnd::kGone) co_return result;
  if (!sent.ok()) {
    (void)co_await reset_recovery();
    result.end = End::kBroken;
    co_return result;
  }
  if (length != 0) {
    const bool in = in_bytes != 0;
    HostProgram::Outcome moved;
    if (in)
      moved = co_await program_.bulk_in(pipes_.in, in_bytes);
    else
      moved = co_await program_.bulk_out(pipes_.out, std::move(out));
    if (moved.end == TransferEnd::kGone) co_return result;
    if (in) result.data = std::move(moved.data);
    if (moved.end == TransferEnd::kStalled) {
      const HostProgram::Outcome cleared = co_await program_.clear_halt(in ? pipes_.in : pipes_.out, in);
      if (cleared.end == TransferEnd::kGone) co_return result;
    }
  }
  HostProgram::Outcome status = co_await program_.bulk_in(pipes_.in, kStatusBytes);
  if (status.end == TransferEnd::kStalled) {  // figure 2: once more
    (void)co_await program_.clear_halt(pipes_.in, true);
    status = co_await program_.bulk_in(pipes_.in, kStatusBytes);
  }
  if (status.end == TransferEnd::kGone) co_return result;
  const bool valid = status.ok() && status.data.size() == kStatusBytes &&
                     little_endian(status.data, 0) == kStatusSignature &&
                     little_endian(status.data, 4) == tag_;
  if (!valid || status.data[12] > 1) {
    (void)co_await reset_recovery();
    result.end = End::kBroken;
    co_return result;
  }
  result.residue = little_endian(status.data, 8);
  result.end = status.data[12] == 0 ? End::kPassed : End::kFailed;
  co_return result;
}

/// Section 5.3.4.
HostTask<bool> MassStorageHost::reset_recovery() {
  ControlTransfer reset;
  reset.request_type = kClassToInterface;
  reset.request = kBulkOnlyReset;
  reset.index = static_cast<std::uint16_t>(pipes_.number);
  const HostProgram::Outcome done = co_await program_.control(std::move(reset));
  (void)co_await program_.clear_halt(pipes_.in, true);
  (void)co_await program_.clear_halt(pipes_.out, false);
  co_return done.ok();
}

HostTask<MassStorageHost::Result> MassStorageHost::read(std::uint32_t sector, std::uint32_t sectors) {
  return command(transfer_block(kRead10, sector, sectors), sectors * FatVolume::kSectorBytes, {});
}

HostTask<MassStorageHost::Result> MassStorageHost::write(std::uint32_t sector,
                                                         std::vector<std::uint8_t> bytes) {
  std::vector<std::uint8_t> block = transfer_block(kWrite10, sector, bytes.size() / FatVolume::kSectorBytes);
  return command(std::move(block), 0, std::move(bytes));
}

HostTask<MassStorageHost::Sense> MassStorageHost::request_sense() {
  std::vector<std::uint8_t> block = command_block(kRequestSense, 6);
  block[4] = 18;
  const Result result = co_await command(std::move(block), 18, {});
  Sense sense;
  if (result.passed() && result.data.size() >= 14) sense = {result.data[2], result.data[12]};
  co_return sense;
}

HostTask<std::string> MassStorageHost::describe(Result result) {
  std::string text;
  switch (result.end) {
    case End::kPassed:
      break;
    case End::kGone:
      text = "the drive went away";
      break;
    case End::kBroken:
      text = "the drive does not answer as a drive does";
      break;
    case End::kFailed:
      text = describe_sense(co_await request_sense());
      break;
  }
  co_return text;
}

HostTask<std::optional<std::vector<std::uint8_t>>> MassStorageHost::read_extent(FatVolume::Extent extent) {
  std::vector<std::uint8_t> bytes;
  while (extent.sectors != 0) {
    const std::uint32_t sectors = std::min(extent.sectors, static_cast<std::uint32_t>(kMaxSectors));
    Result part = co_await read(extent.sector, sectors);
    if (!part.passed() || part.data.size() != sectors * FatVolume::kSectorBytes) {
      problem_ = co_await describe(std::move(part));
      if (problem_.empty()) problem_ = "the drive returns less than was asked for";
      co_return std::nullopt;
    }
    bytes.insert(bytes.end(), part.data.begin(), part.data.end());
    extent.sector += sectors;
    extent.sectors -= sectors;
  }
  co_return bytes;
}

HostTask<bool> MassStorageHost::mount() {
  std::vector<std::uint8_t> inquiry = command_block(kInquiry, 6);
  inquiry[4] = 36;
  Result result = co_await command(std::move(inquiry), 36, {});
  constexpr unsigned kTries = 5;
  for (unsigned i = 0; i < kTries && result.end != End::kGone; ++i) {
    result = co_await command(command_block(kTestUnitReady, 6), 0, {});
    if (result.passed()) break;
    problem_ = describe_sense(co_await request_sense());
  }
  if (result.end == End::kFailed) co_return false;
  if (result.passed()) result = co_await command(command_block(kReadCapacity10, 10), 8, {});
  if (!result.passed() || result.data.size() != 8) {
    problem_ = co_await describe(std::move(result));
    co_return false;
  }
  const std::uint32_t sectors = big_endian(std::span(result.data).first(4)) + 1;
  if (big_endian(std::span(result.data).subspan(4, 4)) != FatVolume::kSectorBytes) {
    problem_ = "the drive's sectors are not of 512 bytes";
    co_return false;
  }
  std::vector<std::uint8_t> mode_sense = command_block(kModeSense6, 6);
  mode_sense[2] = 0x3f;
  mode_sense[4] = 192;
  const Result mode = co_await command(std::move(mode_sense), 192, {});
  constexpr std::uint8_t kWriteProtect = 0x80;
  if (mode.passed() && mode.data.size() >= 4 && (mode.data[2] & kWriteProtect) != 0) {
    problem_ = "the drive is write-protected";
    co_return false;
  }
  const FatVolume::Extent first{0, 1};
  const std::optional<std::vector<std::uint8_t>> sector0 = co_await read_extent(first);
  if (!sector0) co_return false;
  const std::uint32_t at = FatVolume::boot_sector_of(*sector0);
  std::optional<FatVolume> volume;
  if (at < sectors) {
    const FatVolume::Extent boot{at, 1};
    const std::optional<std::vector<std::uint8_t>> boot_sector = co_await read_extent(boot);
    if (!boot_sector) co_return false;
    volume = FatVolume::from_boot_sector(at, *boot_sector);
  }
  if (!volume) {
    problem_ = "the drive has no FAT16 file system";
    co_return false;
  }
  std::optional<std::vector<std::uint8_t>> fat = co_await read_extent(volume->fat());
  if (!fat) co_return false;
  std::optional<std::vector<std::uint8_t>> root = co_await read_extent(volume->root());
  if (!root) co_return false;
  volume->set_metadata(std::move(*fat), std::move(*root));
  volume_ = std::move(volume);
  co_return true;
}

HostTask<bool> MassStorageHost::copy(std::string name, std::vector<std::uint8_t> bytes) {
  std::optional<std::vector<FatVolume::Run>> runs = volume_->add(name, bytes);
  if (!runs) {
    problem_ = fmt::format("{} does not fit the drive", name);
    co_return false;
  }
  const std::size_t data_bytes =
      (bytes.size() + FatVolume::kSectorBytes - 1) / FatVolume::kSectorBytes * FatVolume::kSectorBytes;
  std::size_t written = 0;
  for (const FatVolume::Run& run : *runs) {
    for (std::size_t at = 0; at < run.bytes.size();) {
      const std::size_t size = std::min(run.bytes.size() - at, kMaxSectors * FatVolume::kSectorBytes);
      std::vector<std::uint8_t> part(run.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                     run.bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
      const auto sector = static_cast<std::uint32_t>(run.sector + at / FatVolume::kSectorBytes);
      Result result = co_await write(sector, std::move(part));
      if (result.end == End::kGone && written >= data_bytes) co_return true;
      if (!result.passed()) {
        problem_ = co_await describe(std::move(result));
        co_return false;
      }
      at += size;
      written += size;
    }
  }
  co_return true;
}

}  // namespace pico_llama::simulator
