#include "tools/simulate/flashing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include "formats/mapped_file.h"
#include "formats/output_file.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {

using namespace simulator;

namespace {

constexpr std::uint32_t kSector = 4096;
// As picotool does: short enough for a host's patience.
constexpr std::uint32_t kErasePart = 64 * 1024, kTransferPart = 16 * 1024;
constexpr std::uint32_t kRebootDelayMs = 500;

std::vector<std::uint8_t> bytes_of(const std::string& path) {
  const MappedFile file(path);
  return {file.bytes().begin(), file.bytes().end()};
}

bool is_flash(std::uint32_t address) { return address >= 0x10000000 && address < 0x20000000; }

}  // namespace

bool Flashing::in_bootsel() const {
  return host_.state() == UsbHost::State::kReady && find_picoboot(host_.configuration()).has_value();
}

void Flashing::start(Picoseconds now, Done done, std::function<HostTask<Problem>(HostProgram&)> job) {
  done_ = std::move(done);
  begin_ = std::move(job);
  host_changed(now);
}

void Flashing::host_changed(Picoseconds now) {
  if (!begin_ || !in_bootsel()) return;
  job_.reset();
  program_ = std::make_unique<HostProgram>(host_, events_, now);
  const auto begin = std::exchange(begin_, nullptr);
  job_.emplace(run(begin(*program_)));
  job_->start();
}

HostTask<bool> Flashing::run(HostTask<Problem> job) {
  const Problem problem = co_await job;
  // The next job may be given now; it begins in an event of its own, when this one has ended.
  events_.at_time(program_->now(),
                  [done = std::move(done_), problem, now = program_->now()] { done(problem, now); });
  co_return problem.empty();
}

void Flashing::drag(const std::string& path, Picoseconds now, Done done) {
  start(now, std::move(done),
        [this, path, bytes = bytes_of(path)](HostProgram& program) { return copy(program, path, bytes); });
}

HostTask<std::string> Flashing::copy(HostProgram& program, std::string path,
                                     std::vector<std::uint8_t> bytes) {
  const std::optional<BulkInterface> interface = find_mass_storage(host_.configuration());
  if (!interface) co_return fmt::format("{}: the board has no USB drive", path);
  MassStorageHost drive(program, *interface);
  const std::string name = std::filesystem::path(path).filename().string();
  bool copied = co_await drive.mount();
  if (copied) copied = co_await drive.copy(name, std::move(bytes));
  if (!copied) co_return fmt::format("{}: {}", path, drive.problem());
  constexpr Picoseconds kStep = kPicosecondsPerSecond / 20;
  constexpr unsigned kSteps = 30;
  for (unsigned i = 0; i < kSteps && host_.state() == UsbHost::State::kReady; ++i)
    (void)co_await program.sleep(kStep);
  if (host_.state() == UsbHost::State::kReady)
    co_return fmt::format("{}: is on the drive, but the board does not restart: no whole UF2 file for it",
                          path);
  co_return std::string();
}

void Flashing::picoboot(const PicobootCommand& command, Picoseconds now, Done done) {
  formats::MemoryImage image;
  if (command.kind == PicobootCommand::Kind::kLoad) image = formats::read_memory_image(command.path);
  if (command.kind == PicobootCommand::Kind::kWrite)
    image.segments.push_back({command.address, bytes_of(command.path)});
  start(now, std::move(done),
        [this, command, image](HostProgram& program) { return perform(program, command, image); });
}

HostTask<std::string> Flashing::perform(HostProgram& program, PicobootCommand command,
                                        formats::MemoryImage image) {
  using Kind = PicobootCommand::Kind;
  PicobootHost rom(program, *find_picoboot(host_.configuration()));
  PicobootHost::Result result{PicobootHost::kOk, {}};
  const char* name = "reboot";
  if (command.kind == Kind::kLoad || command.kind == Kind::kWrite || command.kind == Kind::kErase) {
    // As picotool does. A2's ROM gives up every flash command after a reset of the bus until this one.
    result = co_await rom.command(PicobootHost::kExitXip, {}, 0, {});
    if (!result.ok()) co_return fmt::format("picoboot exit: {}", PicobootHost::describe(result.status));
  }
  switch (command.kind) {
    case Kind::kInfo:
      co_return co_await show_info(rom);
    case Kind::kLoad:
    case Kind::kWrite:
      if (command.kind == Kind::kLoad) co_return co_await load(rom, image);
      name = "write";
      result = co_await rom.write(command.address, image.segments.front().bytes);
      break;
    case Kind::kErase:
      name = "erase";
      result = co_await rom.erase(command.address, command.bytes);
      break;
    case Kind::kRead: {
      name = "read";
      result = co_await rom.read(command.address, command.bytes);
      if (!result.ok()) break;
      OutputFile file(command.path);
      file.write({reinterpret_cast<const char*>(result.data.data()), result.data.size()});
      file.commit();
      break;
    }
    case Kind::kReboot:
      result = co_await rom.reboot2(0, kRebootDelayMs, 0, 0);
      break;
    case Kind::kRebootToBootsel:
      result = co_await rom.reboot2(2, kRebootDelayMs, 0, 0);
      break;
  }
  if (!result.ok()) co_return fmt::format("picoboot {}: {}", name, PicobootHost::describe(result.status));
  constexpr Picoseconds kPatience = 2 * kRebootDelayMs * (kPicosecondsPerSecond / 1000);
  const bool reboots = command.kind == Kind::kReboot || command.kind == Kind::kRebootToBootsel;
  for (const Picoseconds end = program.now() + kPatience;
       reboots && host_.state() == UsbHost::State::kReady && program.now() < end;)
    (void)co_await program.sleep(kPicosecondsPerSecond / 20);
  co_return std::string();
}

HostTask<std::string> Flashing::show_info(PicobootHost& rom) {
  constexpr std::uint8_t kSystem = 1;
  constexpr std::uint32_t kChipInfo = 1;
  const PicobootHost::Result result = co_await rom.get_info(kSystem, kChipInfo, 32);
  if (!result.ok() || result.data.size() != 32)
    co_return fmt::format("picoboot info: {}", PicobootHost::describe(result.status));
  std::array<std::uint32_t, 8> words{};
  std::memcpy(words.data(), result.data.data(), result.data.size());
  say_(fmt::format("RP2350{} in BOOTSEL mode, chip id {:08x}{:08x}", (words[2] & 1) != 0 ? "A" : "B",
                   words[4], words[3]));
  co_return std::string();
}

HostTask<std::string> Flashing::load(PicobootHost& rom, const formats::MemoryImage& image) {
  PicobootHost::Result result = co_await rom.exclusive(1);
  std::set<std::uint32_t> sectors;
  for (const formats::MemoryImage::Segment& segment : image.segments) {
    const std::uint32_t end = segment.address + static_cast<std::uint32_t>(segment.bytes.size());
    for (std::uint32_t at = segment.address / kSector * kSector; is_flash(segment.address) && at < end;
         at += kSector)
      sectors.insert(at);
  }
  while (result.ok() && !sectors.empty()) {
    const std::uint32_t first = *sectors.begin();
    std::uint32_t bytes = 0;
    while (bytes < kErasePart && sectors.erase(first + bytes) != 0) bytes += kSector;
    result = co_await rom.erase(first, bytes);
    if (!result.ok()) co_return fmt::format("picoboot erase: {}", PicobootHost::describe(result.status));
  }
  for (const formats::MemoryImage::Segment& segment : image.segments) {
    for (std::size_t at = 0; result.ok() && at < segment.bytes.size(); at += kTransferPart) {
      const auto from = segment.bytes.begin() + static_cast<std::ptrdiff_t>(at);
      const std::vector<std::uint8_t> part(from, from + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                                            kTransferPart, segment.bytes.size() - at)));
      const auto address = static_cast<std::uint32_t>(segment.address + at);
      std::vector<std::uint8_t> sent = part;
      result = co_await rom.write(address, std::move(sent));
      if (!result.ok()) co_return fmt::format("picoboot write: {}", PicobootHost::describe(result.status));
      result = co_await rom.read(address, static_cast<std::uint32_t>(part.size()));
      if (result.ok() && result.data != part)
        co_return fmt::format("picoboot: {:#010x} does not hold what was written", address);
    }
  }
  if (result.ok()) result = co_await rom.exclusive(0);
  if (!result.ok()) co_return fmt::format("picoboot: {}", PicobootHost::describe(result.status));
  co_return std::string();
}

}  // namespace pico_llama::simulate
