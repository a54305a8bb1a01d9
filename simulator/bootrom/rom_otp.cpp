#include "simulator/bootrom/rom_otp.h"

#include "simulator/devices/otp.h"
#include "simulator/devices/otp_ecc.h"

namespace pico_llama::simulator::rom_otp {
namespace {

constexpr std::int32_t kOk = 0, kNotPermitted = -4, kInvalidArg = -5, kBadAlignment = -11,
                       kUnsupportedModification = -18;
constexpr std::uint32_t kKnownFlags = 0xffff | kWrite | kEcc;
constexpr std::uint32_t kOtp = 0x40120000, kOtpData = 0x40130000, kOtpDataRaw = 0x40134000;
constexpr std::uint32_t kInstr = kOtp + 0x100, kReadData = kOtp + 0x114, kStatus = kOtp + 0x124,
                        kUsr = kOtp + 0x128;
constexpr std::uint32_t kInstrDone = 1U << 4, kDctrl = 1;
constexpr unsigned kPages = Otp::kRows / Otp::kPageRows;
// [ASSUMED] How often the ROM asks whether a row has been programmed.
constexpr Cycle kPoll = 50;

// Instructions to the array's controllers: 0x02 the data path, 0x3a the programmer (devices/otp.h).
enum Target : std::uint32_t { kDataPath = 0x02, kProgrammer = 0x3a };

void instruct(RomBus& bus, std::uint32_t instruction) {
  constexpr std::uint32_t kExecute = 1U << 30;
  bus.store(kInstr, kExecute | instruction);
  while ((bus.load(kStatus) & kInstrDone) == 0) continue;
  bus.store(kStatus, kInstrDone);
}
void write_register(RomBus& bus, Target target, std::uint32_t number, std::uint32_t value) {
  instruct(bus, 3U << 28 | target << 16 | (0xc0 | number) << 8 | (value & 0xff));
}
std::uint32_t read_register(RomBus& bus, Target target, std::uint32_t number) {
  instruct(bus, 1U << 28 | target << 16 | (0x80 | number) << 8);
  return bus.load(kReadData) & 0xff;
}
void command(RomBus& bus, std::uint32_t command) {
  instruct(bus, 1U << 29 | kProgrammer << 16 | command << 8);
}

/// From here to finish() the data port faults.
void prepare(RomBus& bus) {
  bus.store(kUsr, 0);
  write_register(bus, kDataPath, 0x3a, 0x01);    // no error correction
  write_register(bus, kProgrammer, 0x3c, 0x0a);  // nor its steps
  write_register(bus, kProgrammer, 0x3f, 0x0a);  // to program
}
void finish(RomBus& bus) {
  write_register(bus, kDataPath, 0x3a, 0);
  bus.store(kUsr, kDctrl);
}

RomTask program(RomBus& bus, std::uint32_t row, std::uint32_t bits) {
  prepare(bus);
  write_register(bus, kDataPath, 0x3c, row);
  write_register(bus, kDataPath, 0x3d, row >> 8);
  write_register(bus, kDataPath, 0x00, bits);
  write_register(bus, kDataPath, 0x01, bits >> 8);
  write_register(bus, kDataPath, 0x20, bits >> 16);
  command(bus, 0x01);
  constexpr std::uint32_t kBusy = 0x80;
  while ((read_register(bus, kProgrammer, 0x3f) & kBusy) != 0) co_await WaitUntil{bus.now + kPoll};
  command(bus, 0x02);
  finish(bus);
  co_return 0;
}

/// What to program so that a row reads as `value`: section 13.6.1, inverted where a bit that has to be clear
/// is set already.
std::uint32_t with_correction(std::uint16_t value, std::uint32_t present) {
  const std::uint32_t row = otp_encode(value);
  return (present & ~row) != 0 ? row ^ 0xffffff : row;
}

constexpr std::uint32_t as_result(std::int32_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

RomTask access(RomBus& bus, std::uint32_t row_and_flags, std::span<std::uint8_t> bytes) {
  const bool writes = (row_and_flags & kWrite) != 0, ecc = (row_and_flags & kEcc) != 0;
  const std::size_t row_bytes = ecc ? 2 : 4;
  const std::uint32_t first = row_and_flags & 0xffff;
  if ((row_and_flags & ~kKnownFlags) != 0 || first + bytes.size() / row_bytes > Otp::kRows)
    co_return as_result(kInvalidArg);
  if (bytes.size() % row_bytes != 0) co_return as_result(kBadAlignment);
  for (std::uint32_t row = first; !bytes.empty(); ++row, bytes = bytes.subspan(row_bytes)) {
    constexpr std::uint32_t kReadOnly = 1, kInaccessible = 2;
    const std::uint32_t lock = bus.load(kOtp + 4 * (row / Otp::kPageRows));
    const std::uint32_t present = bus.load(kOtpDataRaw + 4 * row);
    if ((lock & (writes ? kReadOnly | kInaccessible : kInaccessible)) != 0)
      co_return as_result(kNotPermitted);
    std::uint32_t value = ecc && !writes ? bus.load(kOtpData + 2 * row, 2) : present;
    if (!writes) {
      for (std::size_t i = 0; i < row_bytes; ++i) bytes[i] = static_cast<std::uint8_t>(value >> 8 * i);
      continue;
    }
    value = 0;
    for (std::size_t i = 0; i < row_bytes; ++i) value |= std::uint32_t{bytes[i]} << 8 * i;
    if (ecc) value = with_correction(static_cast<std::uint16_t>(value), present);
    if ((present & ~value) != 0) co_return as_result(kUnsupportedModification);
    RomTask task = program(bus, row, value);
    for (task.resume(); !task.done(); task.resume()) co_await WaitUntil{task.resume_at()};
  }
  co_return as_result(kOk);
}

void lock_for_bootsel(RomBus& bus) {
  constexpr std::uint32_t kLockRows = 0xf80, kNonsecureNone = 0xc;
  for (std::uint32_t page = 0; page < kPages; ++page) {
    const std::uint32_t copies = bus.load(kOtpDataRaw + 4 * (kLockRows + 2 * page + 1));
    const std::uint32_t a = copies & 0xff, b = copies >> 8 & 0xff, c = copies >> 16;
    const std::uint32_t lock = (a & b) | (b & c) | (c & a);
    bus.store(kOtp + 4 * page, (lock >> 4 & 3) | kNonsecureNone);
  }
}

}  // namespace pico_llama::simulator::rom_otp
