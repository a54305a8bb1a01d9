#include "simulator/devices/system.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

constexpr Register kSysinfo[] = {
    // CHIP_ID: revision 2 (A2), part 0x0004, manufacturer 0x493 (Raspberry Pi), stop bit.
    {.offset = 0x00, .name = "CHIP_ID", .reset = 0x20004927},
    {.offset = 0x04, .name = "PACKAGE_SEL"},
    {.offset = 0x08, .name = "PLATFORM", .reset = 0x2},  // ASIC
    {.offset = 0x14, .name = "GITREF_RP2350"},
};

constexpr Register kSyscfg[] = {
    {.offset = 0x00, .name = "PROC_CONFIG", .ignored = 3},
    {.offset = 0x04, .name = "PROC_IN_SYNC_BYPASS", .writable = ~0U},
    {.offset = 0x08, .name = "PROC_IN_SYNC_BYPASS_HI", .writable = 0xff00ffff},
    {.offset = 0x0c, .name = "DBGFORCE", .reset = 6},
    {.offset = 0x10, .name = "MEMPOWERDOWN"},
    {.offset = 0x14, .name = "AUXCTRL", .writable = 0xff},
};

constexpr Register kTbman[] = {{.offset = 0, .name = "PLATFORM", .reset = 1}};

constexpr std::uint32_t kPerfctrEn = 0x08, kPerfctr0 = 0x0c;
constexpr Register kBusctrl[] = {
    {.offset = 0x00, .name = "BUS_PRIORITY", .writable = 0x1111},
    {.offset = 0x04, .name = "BUS_PRIORITY_ACK", .reset = 1, .ignored = ~0U},
    {.offset = kPerfctrEn, .name = "PERFCTR_EN", .writable = 1},
    {.offset = kPerfctr0, .name = "PERFCTR0", .ignored = ~0U},
    {.offset = 0x10, .name = "PERFSEL0", .reset = 0x1f, .writable = 0x7f},
    {.offset = 0x14, .name = "PERFCTR1", .ignored = ~0U},
    {.offset = 0x18, .name = "PERFSEL1", .reset = 0x1f, .writable = 0x7f},
    {.offset = 0x1c, .name = "PERFCTR2", .ignored = ~0U},
    {.offset = 0x20, .name = "PERFSEL2", .reset = 0x1f, .writable = 0x7f},
    {.offset = 0x24, .name = "PERFCTR3", .ignored = ~0U},
    {.offset = 0x28, .name = "PERFSEL3", .reset = 0x1f, .writable = 0x7f},
};

constexpr std::uint32_t kLock = 0x00, kCfgreset = 0x08, kGpioNsmask0 = 0x0c, kGpioNsmask1 = 0x10;
constexpr std::uint32_t kNsu = 1, kNsp = 2, kSu = 4, kSp = 8;
constexpr Register kAccessctrl[] = {
    {.offset = kLock, .name = "LOCK", .reset = 0x4},
    {.offset = 0x04, .name = "FORCE_CORE_NS"},
    {.offset = kCfgreset, .name = "CFGRESET", .ignored = 1},
    {.offset = kGpioNsmask0, .name = "GPIO_NSMASK0", .writable = ~0U},
    {.offset = kGpioNsmask1, .name = "GPIO_NSMASK1", .writable = 0xff00ffff},
    {.offset = 0x14, .name = "ROM", .reset = 0xff},
    {.offset = 0x18, .name = "XIP_MAIN", .reset = 0xff},
    {.offset = 0x1c, .name = "SRAM", .reset = 0xff, .count = 10},
    {.offset = 0x44, .name = "DMA", .reset = 0xfc},
    {.offset = 0x48, .name = "USBCTRL", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x4c, .name = "PIO", .reset = 0xfc, .writable = 0xff, .count = 3},
    {.offset = 0x58, .name = "CORESIGHT_TRACE", .reset = 0xb8},
    {.offset = 0x5c, .name = "CORESIGHT_PERIPH", .reset = 0xb8},
    {.offset = 0x60, .name = "SYSINFO", .reset = 0xff, .writable = 0xff},
    {.offset = 0x64, .name = "RESETS", .reset = 0xfc},
    {.offset = 0x68, .name = "IO_BANK0", .reset = 0xfc},
    {.offset = 0x6c, .name = "IO_BANK1", .reset = 0xfc},
    {.offset = 0x70, .name = "PADS_BANK0", .reset = 0xfc},
    {.offset = 0x74, .name = "PADS_QSPI", .reset = 0xfc},
    {.offset = 0x78, .name = "BUSCTRL", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x7c, .name = "ADC0", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x80, .name = "HSTX", .reset = 0xfc},
    {.offset = 0x84, .name = "I2C0", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x88, .name = "I2C1", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x8c, .name = "PWM", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x90, .name = "SPI0", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x94, .name = "SPI1", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x98, .name = "TIMER0", .reset = 0xfc, .writable = 0xff},
    {.offset = 0x9c, .name = "TIMER1", .reset = 0xfc, .writable = 0xff},
    {.offset = 0xa0, .name = "UART0", .reset = 0xfc, .writable = 0xff},
    {.offset = 0xa4, .name = "UART1", .reset = 0xfc, .writable = 0xff},
    {.offset = 0xa8, .name = "OTP", .reset = 0xfc, .writable = 0xff},
    {.offset = 0xac, .name = "TBMAN", .reset = 0xfc, .writable = 0xff},
    {.offset = 0xb0, .name = "POWMAN", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xb4, .name = "TRNG", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xb8, .name = "SHA256", .reset = 0xf8, .writable = 0xff},
    {.offset = 0xbc, .name = "SYSCFG", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xc0, .name = "CLOCKS", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xc4, .name = "XOSC", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xc8, .name = "ROSC", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xcc, .name = "PLL_SYS", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xd0, .name = "PLL_USB", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xd4, .name = "TICKS", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xd8, .name = "WATCHDOG", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xdc, .name = "RSM", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xe0, .name = "XIP_CTRL", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xe4, .name = "XIP_QMI", .reset = 0xb8, .writable = 0xff},
    {.offset = 0xe8, .name = "XIP_AUX", .reset = 0xf8, .writable = 0xff},
};

/// The register that guards the device at a base address (hardware/regs/addressmap.h).
struct Guard {
  std::uint32_t base, offset;
};
constexpr Guard kGuards[] = {{0x40000000, 0x60}, {0x40008000, 0xbc}, {0x40010000, 0xc0}, {0x40018000, 0xdc},
                             {0x40048000, 0xc4}, {0x40050000, 0xcc}, {0x40058000, 0xd0}, {0x40068000, 0x78},
                             {0x40070000, 0xa0}, {0x40078000, 0xa4}, {0x40080000, 0x90}, {0x40088000, 0x94},
                             {0x40090000, 0x84}, {0x40098000, 0x88}, {0x400a0000, 0x7c}, {0x400a8000, 0x8c},
                             {0x400b0000, 0x98}, {0x400b8000, 0x9c}, {0x400c8000, 0xe0}, {0x400d0000, 0xe4},
                             {0x400d8000, 0xd8}, {0x400e8000, 0xc8}, {0x400f0000, 0xb4}, {0x400f8000, 0xb8},
                             {0x40100000, 0xb0}, {0x40108000, 0xd4}, {0x40120000, 0xa8}, {0x40130000, 0xa8},
                             {0x40160000, 0xac}, {0x50000000, 0x44}, {0x50100000, 0x48}, {0x50110000, 0x48},
                             {0x50200000, 0x4c}, {0x50300000, 0x50}, {0x50400000, 0x54}, {0x50500000, 0xe8}};

constexpr Register kGlitchDetector[] = {
    {.offset = 0x00, .name = "ARM", .reset = 0x5bad},
    {.offset = 0x04, .name = "DISARM"},
    {.offset = 0x08, .name = "SENSITIVITY"},
    {.offset = 0x0c, .name = "LOCK"},
    {.offset = 0x10, .name = "TRIG_STATUS", .clear = 0xf},
};

constexpr std::uint32_t kSclkStatus = 0x10, kSclkCtrl = 0x14, kSsStatus = 0x18, kSsCtrl = 0x1c,
                        kOverrides = 0xf000;
constexpr std::uint32_t kSd1Ctrl = 0x2c, kInover = 3U << 16, kInoverLow = 2U << 16;
constexpr Register kIoQspi[] = {
    {.offset = 0x00, .name = "USBPHY_DP_STATUS"},
    {.offset = 0x04, .name = "USBPHY_DP_CTRL", .reset = 0x1f},
    {.offset = 0x08, .name = "USBPHY_DM_STATUS"},
    {.offset = 0x0c, .name = "USBPHY_DM_CTRL", .reset = 0x1f},
    {.offset = 0x10, .name = "GPIO_QSPI_SCLK_STATUS"},
    {.offset = 0x14, .name = "GPIO_QSPI_SCLK_CTRL", .reset = 0x1f, .writable = 0x1f},
    {.offset = kSsStatus, .name = "GPIO_QSPI_SS_STATUS"},
    {.offset = kSsCtrl, .name = "GPIO_QSPI_SS_CTRL", .reset = 0x1f, .writable = 0xf01f},
    {.offset = 0x20, .name = "GPIO_QSPI_SD0_STATUS"},
    {.offset = 0x24, .name = "GPIO_QSPI_SD0_CTRL", .reset = 0x1f, .writable = 0x1f},
    {.offset = 0x28, .name = "GPIO_QSPI_SD1_STATUS"},
    {.offset = kSd1Ctrl, .name = "GPIO_QSPI_SD1_CTRL", .reset = 0x1f, .writable = kInover | 0x1f},
    {.offset = 0x30, .name = "GPIO_QSPI_SD2_STATUS"},
    {.offset = 0x34, .name = "GPIO_QSPI_SD2_CTRL", .reset = 0x1f, .writable = 0x1f},
    {.offset = 0x38, .name = "GPIO_QSPI_SD3_STATUS"},
    {.offset = 0x3c, .name = "GPIO_QSPI_SD3_CTRL", .reset = 0x1f, .writable = 0x1f},
};

constexpr Register kPadsQspi[] = {
    {.offset = 0x00, .name = "VOLTAGE_SELECT", .writable = 1},
    {.offset = 0x04, .name = "GPIO_QSPI_SCLK", .reset = 0x156, .writable = 0x1ff},
    {.offset = 0x08, .name = "GPIO_QSPI_SD0", .reset = 0x156, .writable = 0x1ff},
    {.offset = 0x0c, .name = "GPIO_QSPI_SD1", .reset = 0x156, .writable = 0x1ff},
    {.offset = 0x10, .name = "GPIO_QSPI_SD2", .reset = 0x15a, .writable = 0x1ff},
    {.offset = 0x14, .name = "GPIO_QSPI_SD3", .reset = 0x15a, .writable = 0x1ff},
    {.offset = 0x18, .name = "GPIO_QSPI_SS", .reset = 0x15a, .writable = 0x1ff},
};

constexpr std::uint32_t kWriteOnce0 = 0x800, kBootlockStat = 0x808, kBootlock0 = 0x80c, kBootlockEnd = 0x82c;

}  // namespace

Sysinfo::Sysinfo(bool qfn60) : RegisterDevice("SYSINFO", kSysinfo), qfn60_(qfn60) { reset(); }
void Sysinfo::reset() {
  RegisterDevice::reset();
  stored(0x4) = qfn60_ ? 1 : 0;
}

Syscfg::Syscfg() : RegisterDevice("SYSCFG", kSyscfg) {}
Tbman::Tbman() : RegisterDevice("TBMAN", kTbman) {}

Busctrl::Busctrl(const BusEvents& events, std::function<void(bool)> count)
    : RegisterDevice("BUSCTRL", kBusctrl), events_(events), count_(std::move(count)) {}

void Busctrl::reset() {
  RegisterDevice::reset();
  switch_on(false);
  counters_ = {};
}

void Busctrl::check(const Counter& counter) const {
  const std::size_t number = static_cast<std::size_t>(&counter - counters_.data());
  const auto offset = static_cast<std::uint32_t>(kPerfctr0 + 8 * number + 4);
  if (counter.event >= events_.counts.size())
    stop(offset, fmt::format("there is no event {:#x}", counter.event));
  const unsigned port = counter.event / 4;
  const bool contested = counter.event % 4 == BusEvents::kContested;
  if (port == BusEvents::kRom ||
      (contested && (port == BusEvents::kApb || port == BusEvents::kFastPeripherals)))
    stop(offset, fmt::format("event {:#x} is not modelled", counter.event));
}

void Busctrl::switch_on(bool on) {
  if (on == on_) return;
  for (Counter& counter : counters_) {
    if (on) check(counter);
    counter.counted = value(counter);
    counter.since = counter.event < events_.counts.size() ? events_.counts[counter.event] : 0;
  }
  on_ = on;
  count_(on);
}

std::uint32_t Busctrl::on_read(std::uint32_t offset, const Access&) {
  if (offset < kPerfctr0 || offset % 8 != kPerfctr0 % 8) return stored(offset);
  constexpr std::uint64_t kSaturated = 0xffffff;
  return static_cast<std::uint32_t>(std::min(value(counters_[(offset - kPerfctr0) / 8]), kSaturated));
}

void Busctrl::on_write(const Write& write, const Access&) {
  if (write.offset == kPerfctrEn) return switch_on(stored(kPerfctrEn) != 0);
  if (write.offset < kPerfctr0) return;
  Counter& counter = counters_[(write.offset - kPerfctr0) / 8];
  if (write.offset % 8 == kPerfctr0 % 8) {
    counter.counted = 0;  // any value clears it
  } else {
    counter.counted = value(counter);
    counter.event = stored(write.offset);
    if (on_) check(counter);
  }
  if (on_) counter.since = events_.counts[counter.event];
}

Accessctrl::Accessctrl() : RegisterDevice("ACCESSCTRL", kAccessctrl) {}

void Accessctrl::reset() {
  RegisterDevice::reset();
  restricts_secure = false;
}

Reply Accessctrl::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (!access.secure)
    throw Stop(fmt::format("ACCESSCTRL offset {:#06x}: a write in Non-secure state is not modelled", offset));
  if (offset == kGpioNsmask0 || offset == kGpioNsmask1) return RegisterDevice::write(offset, value, access);
  constexpr std::uint32_t kPassword = 0xacce;
  if (access.master == Master::kDma || value >> 16 != kPassword) return {.fault = BusFault::kDenied};
  return RegisterDevice::write(offset, value & 0xffff, access);
}

void Accessctrl::on_write(const Write& write, const Access&) {
  if (write.offset == kCfgreset && (write.bits & 1) != 0) {
    const std::uint32_t lock = stored(kLock);
    reset();
    stored(kLock) = lock;
  }
  if (write.offset > kGpioNsmask1 && (write.old_value & ~stored(write.offset) & ~(kNsp | kNsu)) != 0)
    restricts_secure = true;
}

bool Accessctrl::admits(std::uint32_t base, const Access& access) const {
  constexpr std::uint32_t kOwn = 0x40060000, kSio = 0xd0000000;  // these look at the access themselves
  if (base == kOwn || base == kSio) return true;
  for (const Guard& guard : kGuards) {
    if (guard.base != base) continue;
    const std::uint32_t level =
        access.secure ? (access.privileged ? kSp : kSp | kSu) : (access.privileged ? kNsp : kNsp | kNsu);
    const std::uint32_t needed = level | 1U << (4 + static_cast<unsigned>(access.master));
    return (stored(guard.offset) & needed) == needed;
  }
  return access.secure;  // BOOTRAM is wired so
}
GlitchDetector::GlitchDetector() : RegisterDevice("GLITCH_DETECTOR", kGlitchDetector) {}

IoQspi::IoQspi() : RegisterDevice("IO_QSPI", kIoQspi) {}
void IoQspi::reset() {
  RegisterDevice::reset();
  if (sd1_reads_low_) sd1_reads_low_(false);
}
std::uint32_t IoQspi::on_read(std::uint32_t offset, const Access& access) {
  if (offset % 8 != 0) return stored(offset);
  switch (offset) {
    case kSclkStatus:
      return status(stored(kSclkCtrl), false, false);  // between transfers the clock is low
    case kSsStatus:
      return status(stored(kSsCtrl), !select_low_ || !select_low_(access.now), csn_);
    default:
      if (access.master == Master::kDebugger) return 0;
      stop(offset, "the levels of the QSPI data lines and the USB pins are not modelled");
  }
}

/// OUTTOPAD, OETOPAD and INFROMPAD of a pin that the QMI drives with `value` as function 0; other functions
/// drive nothing here. `undriven`: the level of the pad then.
std::uint32_t IoQspi::status(std::uint32_t ctrl, bool value, bool undriven) const {
  const auto overridden = [](unsigned how, bool normal) {
    return how == 0 ? normal : how == 1 ? !normal : how == 3;
  };
  const bool xip = (ctrl & 31) == 0;
  const bool out = overridden(ctrl >> 12 & 3, xip && value), enabled = overridden(ctrl >> 14 & 3, xip);
  const bool level = enabled ? out : undriven;
  return (out ? 1U << 9 : 0) | (enabled ? 1U << 13 : 0) | (level ? 1U << 17 : 0);
}
void IoQspi::on_write(const Write& write, const Access&) {
  if (write.offset == kSd1Ctrl) {
    // A2's boot ROM so ends its wait for a busy flash.
    const std::uint32_t inover = stored(kSd1Ctrl) & kInover;
    if (inover != 0 && inover != kInoverLow) stop(kSd1Ctrl, "INOVER other than 0 and 2 is not modelled");
    if (sd1_reads_low_) sd1_reads_low_(inover == kInoverLow);
  }
  if (write.offset == kSsCtrl && (stored(kSsCtrl) & kOverrides) != 0 && reads_under_way_ &&
      reads_under_way_())
    stop(kSsCtrl, "the select is taken away while the XIP stream reads: its data would be garbage");
}

PadsQspi::PadsQspi() : RegisterDevice("PADS_QSPI", kPadsQspi) {}

void Bootram::reset() {
  bytes_.fill(0);
  write_once_ = {};
  free_locks_ = 0xff;
}

Reply Bootram::read(std::uint32_t offset, const Access& access) {
  if (offset + access.size <= kBytes) {
    std::uint32_t value = 0;
    std::memcpy(&value, &bytes_[offset], access.size);
    return {value};
  }
  if (offset == kBootlockStat) return {free_locks_};
  if (offset == kWriteOnce0 || offset == kWriteOnce0 + 4) return {write_once_[(offset - kWriteOnce0) / 4]};
  if (offset >= kBootlock0 && offset < kBootlockEnd) {
    // As a spinlock: reading claims, and answers nonzero if it did.
    const std::uint32_t bit = 1U << (offset - kBootlock0) / 4;
    if ((free_locks_ & bit) == 0) return {0};
    if (access.master != Master::kDebugger) free_locks_ &= ~bit;
    return {bit};
  }
  if (access.master == Master::kDebugger) return {};
  throw Stop(fmt::format("BOOTRAM offset {:#06x}: read, nothing is there", offset));
}

Reply Bootram::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (offset + access.size <= kBytes) {
    std::uint32_t old_value = 0;
    std::memcpy(&old_value, &bytes_[offset], access.size);
    const std::uint32_t combined = apply(access.op, old_value, value);
    std::memcpy(&bytes_[offset], &combined, access.size);
  } else if (offset == kWriteOnce0 || offset == kWriteOnce0 + 4) {
    write_once_[(offset - kWriteOnce0) / 4] |= value;
  } else if (offset == kBootlockStat) {
    free_locks_ = value & 0xff;
  } else if (offset >= kBootlock0 && offset < kBootlockEnd) {
    free_locks_ |= 1U << (offset - kBootlock0) / 4;
  } else {
    throw Stop(fmt::format("BOOTRAM offset {:#06x}: written with {:#010x}, nothing is there", offset, value));
  }
  return {};
}

}  // namespace pico_llama::simulator
