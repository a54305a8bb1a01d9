#include "simulator/devices/otp.h"

#include <fmt/format.h>

#include "simulator/devices/otp_ecc.h"
#include "simulator/random.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kSwLocks = 64, kInstr = 0x100, kWdata = 0x104, kRdata = 0x114, kStatus = 0x124,
                        kUsr = 0x128, kIntr = 0x164;
constexpr std::uint32_t kInstrDone = 1U << 4, kInstrMissed = 1U << 8, kReadValid = 1U << 0;
constexpr std::uint32_t kDctrl = 1U << 0, kPowerDown = 1U << 4;
constexpr std::uint32_t kWriteFailed = 1U << 1, kPortFailed = 1U << 2, kSecureReadFailed = 1U << 3,
                        kNonsecureReadFailed = 1U << 4;
constexpr Register kRegisters[] = {
    {.offset = 0x000, .name = "SW_LOCK", .writable = 0xf, .count = kSwLocks},
    {.offset = kInstr, .name = "SBPI_INSTR", .writable = 0x3fffffff, .ignored = 0xc0000000},
    {.offset = kWdata, .name = "SBPI_WDATA_", .writable = ~0U, .count = 4},
    {.offset = kRdata, .name = "SBPI_RDATA_", .ignored = ~0U, .count = 4},
    {.offset = kStatus,
     .name = "SBPI_STATUS",
     .clear = kInstrDone | kInstrMissed | kReadValid,
     .ignored = ~0U},
    {.offset = kUsr, .name = "USR", .reset = kDctrl, .writable = kDctrl | kPowerDown},
    {.offset = 0x148, .name = "CRITICAL"},
    {.offset = 0x14c, .name = "KEY_VALID"},
    {.offset = 0x158, .name = "ARCHSEL"},
    {.offset = 0x15c, .name = "ARCHSEL_STATUS"},
    {.offset = 0x160, .name = "BOOTDIS", .writable = 0x3},
    {.offset = kIntr, .name = "INTR", .clear = 0x1e, .ignored = 1},
    {.offset = 0x168, .name = "INTE"},
    {.offset = 0x170, .name = "INTS"},
};

constexpr unsigned kChipid0 = 0x000, kRandid0 = 0x004, kRandidRows = 8, kNumGpios = 0x018;
constexpr unsigned kCritical = 0x038, kCriticalEnd = 0x048, kKeys = 0xf40, kLocks = 0xf80;

// Lock states of SW_LOCK: Secure in bits 1:0, Non-secure in 3:2; each 0 read-write, 1 read-only, 3 none.
constexpr std::uint32_t kReadOnly = 1, kInaccessible = 2;
// Section 13.5.5. The second lock row of a page has three copies of a byte: Secure, Non-secure, bootloader.
struct FactoryLock {
  unsigned page;
  std::uint32_t lock;
};
constexpr FactoryLock kFactoryLocks[] = {{0, 0x15}, {1, 0x04}, {2, 0x04}, {62, 0x04}, {63, 0x14}};

// Bits of SBPI_INSTR, and the instructions of the controllers behind it.
constexpr std::uint32_t kExecute = 1U << 30, kIsWrite = 1U << 29, kHasPayload = 1U << 28;
constexpr std::uint32_t kDataPath = 0x02, kProgrammer = 0x3a;
constexpr std::uint8_t kReadRegister = 0x80, kWriteRegister = 0xc0, kStart = 0x01, kStop = 0x02;
// Registers of the data path: bits 15:0 and 23:16 of a row, control, the row's number.
constexpr unsigned kData0 = 0x00, kData1 = 0x01, kData2 = 0x20, kControl = 0x3a, kRow0 = 0x3c, kRow1 = 0x3d;
// Registers of the programmer: the steps of a START, control and status.
constexpr unsigned kFunction = 0x3c, kControlStatus = 0x3f;
constexpr std::uint8_t kNoCorrection = 0x01, kSkipCorrection = 0x0a, kProgram = 0x0a, kBusy = 0x80;
// [ASSUMED] No document says how long a row takes.
constexpr Picoseconds kProgramRow = 100 * kPicosecondsPerMicrosecond;

}  // namespace

Otp::Otp(const Timebase& timebase, std::uint64_t seed, std::uint16_t gpios)
    : RegisterDevice("OTP", kRegisters), timebase_(timebase) {
  std::uint64_t state = seed;
  const std::uint64_t id = next_random(state);
  for (unsigned i = 0; i < 4; ++i) rows_[kChipid0 + i] = otp_encode(static_cast<std::uint16_t>(id >> 16 * i));
  for (unsigned i = 0; i < kRandidRows; ++i)
    rows_[kRandid0 + i] = otp_encode(static_cast<std::uint16_t>(next_random(state)));
  rows_[kNumGpios] = otp_encode(gpios);
  for (const FactoryLock& factory : kFactoryLocks)
    rows_[kLocks + 2 * factory.page + 1] = factory.lock * 0x010101;
  Otp::reset();
}

void Otp::reset() {
  RegisterDevice::reset();
  data_path_ = programmer_ = {};
  started_ = false;
  ready_ = 0;
  for (unsigned page = 0; page < kSwLocks; ++page) {
    const std::uint32_t copies = rows_[kLocks + 2 * page + 1];
    const std::uint32_t a = copies & 0xff, b = copies >> 8 & 0xff, c = copies >> 16;
    stored(4 * page) = ((a & b) | (b & c) | (c & a)) & 0xf;
  }
}

std::uint16_t Otp::row(unsigned number) const { return otp_decode(rows_[number]).value; }

std::uint64_t Otp::chip_id() const {
  std::uint64_t id = 0;
  for (unsigned i = 0; i < 4; ++i) id |= std::uint64_t{row(kChipid0 + i)} << 16 * i;
  return id;
}

Otp::Refusal Otp::refuses(unsigned number, const Access& access) {
  if ((stored(kUsr) & kDctrl) == 0) {
    stored(kIntr) |= kPortFailed;
    return Refusal::kPort;
  }
  if ((stored(kUsr) & kPowerDown) != 0) stop(kUsr, "the data port is read with PD set");
  if (number >= kLocks) return Refusal::kNone;  // section 13.5.4: readable by all
  const std::uint32_t lock = stored(4 * (number / kPageRows)) >> (access.secure ? 0 : 2);
  if ((lock & kInaccessible) == 0) return Refusal::kNone;
  stored(kIntr) |= access.secure ? kSecureReadFailed : kNonsecureReadFailed;
  return Refusal::kLock;
}

Reply Otp::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (!access.secure && offset >= 4 * kSwLocks) return {.fault = BusFault::kDenied};
  return RegisterDevice::write(offset, value, access);
}

std::uint32_t Otp::on_read(std::uint32_t offset, const Access&) {
  const std::uint32_t value = stored(offset);
  if (offset >= kRdata && offset < kStatus) stored(offset) = 0;
  return value;
}

void Otp::on_write(const Write& write, const Access& access) {
  if (write.offset < 4 * kSwLocks) {
    // Locks advance and never go back; Non-secure code advances its own only.
    stored(write.offset) = write.old_value | (stored(write.offset) & (access.secure ? 0xfU : 0xcU));
  } else if (write.offset == kInstr && (write.bits & kExecute) != 0) {
    execute(stored(kInstr), access.now);
  }
}

void Otp::execute(std::uint32_t instruction, Cycle now) {
  if ((stored(kUsr) & kDctrl) != 0) stop(kInstr, "an instruction while USR.DCTRL is set");
  const std::uint32_t target = instruction >> 16 & 0xff;
  const auto code = static_cast<std::uint8_t>(instruction >> 8);
  const bool writes = (instruction & kIsWrite) != 0, payload = (instruction & kHasPayload) != 0;
  const auto unknown = [&] {
    stop(kInstr, fmt::format("instruction {:#010x} is not modelled", instruction));
  };
  if ((target != kDataPath && target != kProgrammer) || (instruction >> 24 & 0xf) != 0) unknown();
  Controller& controller = target == kDataPath ? data_path_ : programmer_;
  const unsigned number = code & 0x3fU;
  if (payload && writes && (code & 0xc0) == kWriteRegister) {
    controller[number] = static_cast<std::uint8_t>(instruction);
  } else if (payload && !writes && (code & 0xc0) == kReadRegister) {
    const bool is_status = target == kProgrammer && number == kControlStatus;
    stored(kRdata) = !is_status ? controller[number] : busy(now) ? kBusy : 0;
    stored(kStatus) |= kReadValid;
  } else if (!payload && writes && target == kProgrammer) {
    command(code, now);
  } else {
    unknown();
  }
  stored(kStatus) |= kInstrDone;
}

void Otp::command(std::uint8_t command, Cycle now) {
  if (busy(now)) stop(kInstr, fmt::format("command {:#x} while a row is being programmed", command));
  if (command == kStart && !started_) {
    program(now);
    started_ = true;
  } else if (command == kStop && started_) {
    started_ = false;
  } else {
    stop(kInstr, fmt::format("command {:#x} is not modelled", command));
  }
}

void Otp::program(Cycle now) {
  // With the array's own error correction off: the boot ROM makes it itself.
  if (data_path_[kControl] != kNoCorrection || programmer_[kFunction] != kSkipCorrection ||
      programmer_[kControlStatus] != kProgram)
    stop(kInstr, "START of anything but programming a raw row is not modelled");
  const unsigned number = data_path_[kRow0] | unsigned{data_path_[kRow1]} << 8;
  if (number >= kRows) stop(kInstr, fmt::format("row {:#x} is programmed, there are 4096", number));
  const std::uint32_t bits =
      data_path_[kData0] | std::uint32_t{data_path_[kData1]} << 8 | std::uint32_t{data_path_[kData2]} << 16;
  const std::uint32_t changed = bits & ~rows_[number];
  const bool critical = number >= kCritical && number < kCriticalEnd;
  const bool keys = number >= kKeys && (number < kLocks || number % 2 == 0);  // or the choice of one
  if ((critical || keys) && changed != 0)
    stop(kInstr, fmt::format("row {:#05x} is programmed: critical flags and keys are not modelled", number));
  ready_ = timebase_.cycle_at(timebase_.time_at(now) + kProgramRow);
  // A lock row is protected by the lock that it holds (section 13.5.4).
  const unsigned page = number >= kLocks ? (number - kLocks) / 2 : number / kPageRows;
  if ((stored(4 * page) & kReadOnly) != 0)
    stored(kIntr) |= kWriteFailed;
  else
    rows_[number] |= bits;
}

Reply OtpData::read(std::uint32_t offset, const Access& access) {
  constexpr std::uint32_t kRawWindow = 0x4000, kGuarded = 0x8000;
  const bool guarded = (offset & kGuarded) != 0;
  const std::uint32_t place = offset % kRawWindow;
  const bool is_raw = (offset & kRawWindow) != 0;
  const unsigned number = is_raw ? place / 4 : place / 2;
  if (number >= Otp::kRows) return {.fault = BusFault::kUnmapped};
  if (access.master != Master::kDebugger) {
    const Otp::Refusal refusal = otp_.refuses(number, access);
    if (refusal == Otp::Refusal::kPort || (refusal == Otp::Refusal::kLock && guarded))
      return {.fault = BusFault::kDenied};
    if (refusal == Otp::Refusal::kLock) return {~0U};
  }
  if (is_raw) return {otp_.raw(number)};
  const OtpDecoded low = otp_decode(otp_.raw(number)), high = otp_decode(otp_.raw(number + 1));
  if (guarded && (low.corrupt || high.corrupt)) return {.fault = BusFault::kDenied};
  return {low.value | std::uint32_t{high.value} << 16};
}

Reply OtpData::write(std::uint32_t, std::uint32_t, const Access&) { return {.fault = BusFault::kDenied}; }

}  // namespace pico_llama::simulator
