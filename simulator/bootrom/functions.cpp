// The functions of the ROM table (datasheet section 5.4.8).
#include <fmt/format.h>

#include <algorithm>

#include "simulator/bootrom/bootrom.h"
#include "simulator/bootrom/rom_otp.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {
// Results: pico/error.h and boot/bootrom_constants.h.
constexpr std::int32_t kOk = 0, kNotPermitted = -4, kInvalidArg = -5, kInvalidAddress = -10,
                       kBadAlignment = -11, kBufferTooSmall = -13, kNotFound = -17;
constexpr std::uint32_t as_result(std::int32_t value) { return static_cast<std::uint32_t>(value); }

constexpr std::uint32_t kXipBase = 0x10000000, kXipBytes = 0x02000000, kXipEnd = 0x12000000;
constexpr std::uint32_t kQmiAtrans0 = 0x400d0034;
constexpr std::uint32_t kSectorBytes = 4096, kPageBytes = 256, kWindowBytes = 0x400000;

std::int32_t translate(RomBus& bus, std::uint32_t address) {
  if (address < kXipBase || address >= kXipEnd) return kInvalidAddress;
  // Section 12.14.4: eight windows of 4 MB; BASE and SIZE in 4 kB.
  const std::uint32_t offset = address - kXipBase;
  const std::uint32_t atrans = bus.load(kQmiAtrans0 + offset / kWindowBytes * 4);
  const std::uint32_t within = offset % kWindowBytes;
  if (within >= (atrans >> 16 & 0x7ff) * kSectorBytes) return kInvalidAddress;
  const std::uint32_t chip = offset & 0x01000000;
  return static_cast<std::int32_t>(kXipBase + chip + (((atrans & 0xfff) * kSectorBytes + within) & 0xffffff));
}
}  // namespace

RomTask Bootrom::state_reset(Core& core, RomBus&) {
  constexpr std::uint32_t kGlobalState = 4;
  if ((core.reg(0) & kGlobalState) == 0) co_return core.reg(0);
  parts_.bootram.release_all_locks();
  co_return 1;  // what is left in r0: the function returns nothing
}

RomTask Bootrom::connect_internal_flash(Core&, RomBus& bus) {
  rom_flash::connect_internal(bus);
  co_return 0;
}

RomTask Bootrom::flash_enter_cmd_xip(Core&, RomBus& bus) {
  rom_flash::select_read_mode(bus, rom_flash::ReadMode::k03hSerial, 12);
  co_return 0;
}

RomTask Bootrom::flash_exit_xip(Core&, RomBus& bus) {
  rom_flash::exit_xip(bus);
  co_return 0;
}

RomTask Bootrom::flash_flush_cache(Core&, RomBus& bus) {
  rom_flash::flush_cache(bus);
  co_return 0;
}

RomTask Bootrom::flash_range_erase(Core& core, RomBus& bus) {
  RomTask task = rom_flash::range_erase(bus, core.reg(0), core.reg(1), core.reg(2),
                                        static_cast<std::uint8_t>(core.reg(3)));
  for (task.resume(); !task.done(); task.resume()) co_await WaitUntil{task.resume_at()};
  co_return 0;
}

RomTask Bootrom::flash_range_program(Core& core, RomBus& bus) {
  RomTask task = rom_flash::range_program(bus, core.reg(0), core.reg(1), core.reg(2));
  for (task.resume(); !task.done(); task.resume()) co_await WaitUntil{task.resume_at()};
  co_return 0;
}

RomTask Bootrom::flash_reset_address_trans(Core&, RomBus& bus) {
  rom_flash::reset_address_translation(bus);
  co_return 0;
}

RomTask Bootrom::flash_select_xip_read_mode(Core& core, RomBus& bus) {
  const std::uint32_t mode = core.reg(0), clkdiv = core.reg(1) & 0xff;
  if (mode > 3)
    throw Stop(fmt::format("boot ROM function flash_select_xip_read_mode: mode {} does not exist", mode));
  rom_flash::select_read_mode(bus, static_cast<rom_flash::ReadMode>(mode), clkdiv);
  co_return 0;
}

RomTask Bootrom::flash_op(Core& core, RomBus& bus) {
  const std::uint32_t flags = core.reg(0), address = core.reg(1), bytes = core.reg(2), buffer = core.reg(3);
  constexpr std::uint32_t kRuntime = 1, kKnown = 0x00070301;
  enum Operation { kErase, kProgram, kRead };
  const std::uint32_t operation = flags >> 16 & 7;
  if ((flags & ~kKnown) != 0 || operation > kRead) co_return as_result(kInvalidArg);
  if ((flags >> 8 & 3) == 0) co_return as_result(kNotPermitted);  // security levels are 1 to 3
  if (address < kXipBase || address >= kXipEnd) co_return as_result(kNotPermitted);
  const std::uint32_t unit = operation == kErase ? kSectorBytes : operation == kProgram ? kPageBytes : 1;
  if ((address - kXipBase) % unit != 0 || bytes % unit != 0) co_return as_result(kBadAlignment);
  // In parts that lie in one window each, because each window is translated by itself.
  for (std::uint32_t done = 0; done < bytes;) {
    const std::uint32_t at = address + done;
    const std::uint32_t part = std::min(bytes - done, kWindowBytes - at % kWindowBytes);
    std::uint32_t storage = at;
    if ((flags & kRuntime) != 0) {
      const std::int32_t translated = translate(bus, at);
      if (translated < 0) co_return as_result(kNotPermitted);
      storage = static_cast<std::uint32_t>(translated);
    }
    // FLASH_DEVINFO of an unprogrammed chip: 16 MB on chip select 0.
    if (storage - kXipBase + part > kXipBytes / 2) co_return as_result(kNotPermitted);
    const std::uint32_t offset = storage - kXipBase;
    if (operation == kRead) {
      constexpr std::uint32_t kUntranslated = 0x1c000000;
      for (std::uint32_t i = 0; i < part; ++i)
        bus.store(buffer + done + i, bus.load(kUntranslated + offset + i, 1), 1);
    } else {
      RomTask task = operation == kErase ? rom_flash::range_erase(bus, offset, part, 0, 0)
                                         : rom_flash::range_program(bus, offset, buffer + done, part);
      for (task.resume(); !task.done(); task.resume()) co_await WaitUntil{task.resume_at()};
    }
    done += part;
  }
  co_return 0;
}

RomTask Bootrom::flash_runtime_to_storage_addr(Core& core, RomBus& bus) {
  co_return as_result(translate(bus, core.reg(0)));
}

RomTask Bootrom::get_b_partition(Core&, RomBus&) { co_return as_result(kNotFound); }

std::int32_t Bootrom::partition_table_info(std::uint32_t flags, std::vector<std::uint32_t>& words) {
  // There is no partition table: only queries about the table as a whole have an answer (section 5.4.8.16).
  constexpr std::uint32_t kPtInfo = 0x0001, kSinglePartition = 0x8000, kAllPermissions = 0xfc000000,
                          kAllFamilies = 0x00078000;  // absolute, RP2350 Arm S, RISC-V, Arm NS
  if ((flags & kSinglePartition) != 0) return kInvalidArg;
  words = {flags & 0x00f1};
  if ((flags & kPtInfo) != 0) {
    words.insert(words.end(), {0, kAllPermissions | 0x1fffU << 13,  // sectors 0 to 0x1fff
                               kAllPermissions | kAllFamilies});
  }
  return static_cast<std::int32_t>(words.size());
}

std::int32_t Bootrom::sys_info(RomBus& bus, std::uint32_t flags, std::vector<std::uint32_t>& words) {
  enum : std::uint32_t {
    kChipInfo = 0x01,
    kCritical = 0x02,
    kCpuInfo = 0x04,
    kFlashDevInfo = 0x08,
    kBootRandom = 0x10,
    kBootInfo = 0x40
  };
  constexpr std::uint32_t kSysinfoPackageSel = 0x40000004, kBootram = 0x400e0000;
  words = {flags & (kChipInfo | kCritical | kCpuInfo | kFlashDevInfo | kBootRandom | kBootInfo)};
  if ((flags & kChipInfo) != 0) {
    const std::uint64_t id = parts_.otp.chip_id();
    words.insert(words.end(), {bus.load(kSysinfoPackageSel), static_cast<std::uint32_t>(id),
                               static_cast<std::uint32_t>(id >> 32)});
  }
  if ((flags & kCritical) != 0) words.push_back(0);
  if ((flags & kCpuInfo) != 0) words.push_back(0);  // Arm
  if ((flags & kFlashDevInfo) != 0) words.push_back(bus.load(kBootram + kDevinfoOffset, 2));
  if ((flags & kBootRandom) != 0) words.insert(words.end(), boot_random_.begin(), boot_random_.end());
  if ((flags & kBootInfo) != 0) {
    // No TBYB, booted from slot 0, the type of this boot, diagnostics of slot 0: found and launched.
    constexpr std::uint32_t kSlot0 = 0xfe, kDiagnostic = 0x404d;
    words.push_back(kSlot0 << 16 | boot_type_ << 8 | kSlot0);
    words.push_back(kDiagnostic);
    words.insert(words.end(), boot_parameters_.begin(), boot_parameters_.end());
  }
  return static_cast<std::int32_t>(words.size());
}

namespace {
/// The end of both functions: the words to the caller's buffer.
std::uint32_t deliver(RomBus& bus, std::uint32_t out, std::uint32_t room,
                      const std::vector<std::uint32_t>& words) {
  if (room < words.size()) return as_result(kBufferTooSmall);
  for (std::size_t i = 0; i < words.size(); ++i) bus.store(out + 4 * static_cast<std::uint32_t>(i), words[i]);
  return static_cast<std::uint32_t>(words.size());
}
}  // namespace

RomTask Bootrom::get_partition_table_info(Core& core, RomBus& bus) {
  std::vector<std::uint32_t> words;
  if (const std::int32_t error = partition_table_info(core.reg(2), words); error < 0)
    co_return as_result(error);
  co_return deliver(bus, core.reg(0), core.reg(1), words);
}

RomTask Bootrom::get_sys_info(Core& core, RomBus& bus) {
  std::vector<std::uint32_t> words;
  (void)sys_info(bus, core.reg(2), words);
  co_return deliver(bus, core.reg(0), core.reg(1), words);
}

RomTask Bootrom::otp_access(Core& core, RomBus& bus) {
  const std::uint32_t buffer = core.reg(0), row_and_flags = core.reg(2);
  const bool writes = (row_and_flags & rom_otp::kWrite) != 0;
  // More than all rows is refused below; no more of the buffer is looked at.
  std::vector<std::uint8_t> bytes(std::min(core.reg(1), 4 * (Otp::kRows + 1)));
  if ((buffer & ((row_and_flags & rom_otp::kEcc) != 0 ? 1 : 3)) != 0) co_return as_result(kBadAlignment);
  for (std::uint32_t i = 0; writes && i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(bus.load(buffer + i, 1));
  RomTask task = rom_otp::access(bus, row_and_flags, bytes);
  for (task.resume(); !task.done(); task.resume()) co_await WaitUntil{task.resume_at()};
  for (std::uint32_t i = 0; !writes && i < bytes.size(); ++i) bus.store(buffer + i, bytes[i], 1);
  co_return task.result();
}

namespace {
constexpr std::uint32_t kRebootNoReturn = 0x100;
}  // namespace

std::int32_t Bootrom::request_reboot(RomBus& bus, std::uint32_t flags, std::uint32_t delay_ms,
                                     std::uint32_t p0, std::uint32_t p1) {
  constexpr std::uint32_t kTypeMask = 0xf, kToRiscv = 0x20,
                          kKnown = kTypeMask | 0x10 | kToRiscv | kRebootNoReturn;
  constexpr std::uint32_t kBootMagic = 0xb007c0d3;
  constexpr std::uint32_t kWatchdog = 0x400d8000, kPsmWdsel = 0x40018008, kTicksWatchdog = 0x40108030;
  constexpr std::uint32_t kPsmAllButColdProcessors = 0x01fffffe, kLoadMax = 0xffffff;
  const std::uint32_t type = flags & kTypeMask;
  if ((flags & ~kKnown) != 0) return kInvalidArg;
  if ((flags & kToRiscv) != 0) throw Stop("boot ROM function reboot: this board's cores are Arm only");
  switch (type) {
    case 0:
      bus.store(kWatchdog + 0x14, p0);
      bus.store(kWatchdog + 0x18, p1);
      bus.store(kWatchdog + 0x1c, 0);
      break;
    case 2:
    case 3:
    case 4:
      bus.store(kWatchdog + 0x14, p0);
      bus.store(kWatchdog + 0x18, p1);
      bus.store(kWatchdog + 0x20, kBootMagic ^ (0U - kBootMagic));
      bus.store(kWatchdog + 0x24, type);
      bus.store(kWatchdog + 0x28, kBootMagic);
      bus.store(kWatchdog + 0x1c, kBootMagic);
      break;
    case 13:
      bus.store(kWatchdog + 0x20, p0 ^ (0U - kBootMagic));
      bus.store(kWatchdog + 0x24, p1);
      bus.store(kWatchdog + 0x28, p0);
      bus.store(kWatchdog + 0x1c, kBootMagic);
      break;
    default:
      return kInvalidArg;
  }
  bus.clear_bits(kWatchdog, 1U << 30);
  bus.store(kPsmWdsel, kPsmAllButColdProcessors);
  if (delay_ms == 0) {
    bus.set_bits(kWatchdog, 1U << 31);
  } else {
    if ((bus.load(kTicksWatchdog) & 2) == 0) {
      bus.store(kTicksWatchdog + 4, 12);
      bus.store(kTicksWatchdog, 1);
    }
    bus.store(kWatchdog + 4,
              static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{delay_ms} * 1000, kLoadMax)));
    bus.set_bits(kWatchdog, 1U << 30);
  }
  return kOk;
}

RomTask Bootrom::reboot(Core& core, RomBus& bus) {
  const std::uint32_t flags = core.reg(0), delay_ms = core.reg(1);
  const std::int32_t result = request_reboot(bus, flags, delay_ms, core.reg(2), core.reg(3));
  if (result != kOk) co_return as_result(result);
  if ((flags & kRebootNoReturn) != 0 || delay_ms == 0) {
    for (;;) co_await WaitUntil{bus.now + 1000};  // until the watchdog strikes
  }
  co_return static_cast<std::uint32_t>(kOk);
}

// There are no Non-secure callers here; settings that only concern them are accepted.
RomTask Bootrom::set_ns_api_permission(Core&, RomBus&) { co_return static_cast<std::uint32_t>(kOk); }
RomTask Bootrom::set_rom_callback(Core&, RomBus&) { co_return 0; }

RomTask Bootrom::validate_ns_buffer(Core& core, RomBus& bus) {
  bus.store(core.reg(3), 0);
  co_return core.reg(0);
}

}  // namespace pico_llama::simulator
