#include "simulator/devices/system.h"

#include <fmt/format.h>

#include <cstring>

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

constexpr std::uint32_t kPerfctrEn = 0x08;
constexpr Register kBusctrl[] = {
    {.offset = 0x00, .name = "BUS_PRIORITY", .writable = 0x1111},
    {.offset = 0x04, .name = "BUS_PRIORITY_ACK", .reset = 1, .ignored = ~0U},
    {.offset = kPerfctrEn, .name = "PERFCTR_EN", .writable = 1},
    {.offset = 0x0c, .name = "PERFCTR0", .ignored = ~0U},
    {.offset = 0x10, .name = "PERFSEL0", .reset = 0x1f, .writable = 0x7f},
    {.offset = 0x14, .name = "PERFCTR1", .ignored = ~0U},
    {.offset = 0x18, .name = "PERFSEL1", .reset = 0x1f, .writable = 0x7f},
    {.offset = 0x1c, .name = "PERFCTR2", .ignored = ~0U},
    {.offset = 0x20, .name = "PERFSEL2", .reset = 0x1f, .writable = 0x7f},
    {.offset = 0x24, .name = "PERFCTR3", .ignored = ~0U},
    {.offset = 0x28, .name = "PERFSEL3", .reset = 0x1f, .writable = 0x7f},
};

// From the list of registers: ranges with the same reset value.
constexpr Register kAccessctrl[] = {
    {.offset = 0x00, .name = "LOCK", .reset = 0x4},
    {.offset = 0x04, .name = "FORCE_CORE_NS"},
    {.offset = 0x08, .name = "CFGRESET", .ignored = 0xffff0001},  // nothing here can be configured
    {.offset = 0x0c, .name = "GPIO_NSMASK", .count = 2},
    {.offset = 0x14, .name = "ROM", .reset = 0xff},
    {.offset = 0x18, .name = "XIP_MAIN", .reset = 0xff},
    {.offset = 0x1c, .name = "SRAM", .reset = 0xff, .count = 10},
};

constexpr Register kGlitchDetector[] = {
    {.offset = 0x00, .name = "ARM", .reset = 0x5bad},
    {.offset = 0x04, .name = "DISARM"},
    {.offset = 0x08, .name = "SENSITIVITY"},
    {.offset = 0x0c, .name = "LOCK"},
    {.offset = 0x10, .name = "TRIG_STATUS", .clear = 0xf},
};

constexpr std::uint32_t kSclkStatus = 0x10, kSclkCtrl = 0x14, kSsStatus = 0x18, kSsCtrl = 0x1c,
                        kOverrides = 0xf000;
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
    {.offset = 0x2c, .name = "GPIO_QSPI_SD1_CTRL", .reset = 0x1f, .writable = 0x1f},
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

Busctrl::Busctrl() : RegisterDevice("BUSCTRL", kBusctrl) {}
void Busctrl::on_write(const Write& write, const Access&) {
  if (write.offset == kPerfctrEn && stored(kPerfctrEn) != 0)
    stop(kPerfctrEn, "the bus performance counters are not modelled");
}

Accessctrl::Accessctrl() : RegisterDevice("ACCESSCTRL", kAccessctrl) {}
GlitchDetector::GlitchDetector() : RegisterDevice("GLITCH_DETECTOR", kGlitchDetector) {}

IoQspi::IoQspi() : RegisterDevice("IO_QSPI", kIoQspi) {}
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
