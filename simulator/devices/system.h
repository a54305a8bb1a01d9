#pragma once
#include <array>
#include <functional>

#include "simulator/bus/bus_events.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// SYSINFO: an RP2350 of revision A2 (datasheet section 12.15.1).
class Sysinfo : public RegisterDevice {
 public:
  /// `qfn60`: RP2350A (Pico 2); otherwise RP2350B.
  explicit Sysinfo(bool qfn60);
  void reset() override;

 private:
  bool qfn60_;
};

/// SYSCFG (section 12.15.2): stored; only the debugger-less defaults are modelled.
class Syscfg : public RegisterDevice {
 public:
  Syscfg();
};

/// TBMAN: reads as silicon (section 12.15.3).
class Tbman : public RegisterDevice {
 public:
  Tbman();
};

/// BUSCTRL (section 12.15.4): the four performance counters of the crossbar. Counting events of the ROM or
/// contention for peripherals is a Stop. Priorities are stored; arbitration does not obey them.
class Busctrl : public RegisterDevice {
 public:
  /// `count`: called when counting is switched on and off.
  Busctrl(const BusEvents& events, std::function<void(bool on)> count);
  void reset() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  struct Counter {
    unsigned event = 0x1f;
    std::uint64_t counted = 0;  ///< up to the last change of event or on_
    std::uint64_t since = 0;    ///< the event's count then
  };
  std::uint64_t value(const Counter& counter) const {
    return counter.counted + (on_ ? events_.counts[counter.event] - counter.since : 0);
  }
  void check(const Counter& counter) const;
  void switch_on(bool on);

  const BusEvents& events_;
  std::function<void(bool)> count_;
  std::array<Counter, 4> counters_{};
  bool on_ = false;
};

/// ACCESSCTRL (section 10.6): who reaches which peripheral. A Stop: to change the access to memories, and to
/// RESETS, IO and pads, which filter their registers further; LOCK and FORCE_CORE_NS.
class Accessctrl : public RegisterDevice, public AccessFilter {
 public:
  Accessctrl();
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;
  bool admits(std::uint32_t base, const Access& access) const override;
  void reset() override;

 protected:
  void on_write(const Write& write, const Access& access) override;
};

/// GLITCH_DETECTOR (section 10.9): disarmed and quiet.
class GlitchDetector : public RegisterDevice {
 public:
  GlitchDetector();
};

/// IO_QSPI (section 9.11.2): STATUS of the clock and of the chip select, which as an input shows the BOOTSEL
/// button. STATUS of the data lines and of the USB pins is a Stop; controls are stored.
class IoQspi : public RegisterDevice {
 public:
  IoQspi();
  void reset() override;
  /// What a pull-up and the BOOTSEL button make of the chip select while nobody drives it.
  void set_csn(bool level) { csn_ = level; }
  /// Whether the QMI holds the chip select low.
  void watch_select(std::function<bool(Cycle now)> low) { select_low_ = std::move(low); }
  /// Called when the QMI reads SD1 as low from now on, or no longer.
  void watch_sd1_override(std::function<void(bool low)> observer) { sd1_reads_low_ = std::move(observer); }
  /// Whether a background read of memory is active, which an override of the chip select would cut.
  void watch_reads(std::function<bool()> under_way) { reads_under_way_ = std::move(under_way); }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  std::uint32_t status(std::uint32_t ctrl, bool value, bool undriven) const;

  std::function<bool()> reads_under_way_;
  std::function<void(bool)> sd1_reads_low_;
  std::function<bool(Cycle)> select_low_;
  bool csn_ = true;
};

/// PADS_QSPI (section 9.11.4): stored.
class PadsQspi : public RegisterDevice {
 public:
  PadsQspi();
};

/// BOOTRAM (section 4.3): 1 kB of memory, the write-once words and the boot locks.
class Bootram : public Peripheral {
 public:
  static constexpr std::uint32_t kBytes = 1024;
  std::string_view name() const override { return "BOOTRAM"; }
  void reset() override;
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;
  bool byte_addressable() const override { return true; }

  std::uint8_t* bytes() { return bytes_.data(); }
  void release_all_locks() { free_locks_ = 0xff; }

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
  std::array<std::uint32_t, 2> write_once_{};
  std::uint32_t free_locks_ = 0xff;
};

}  // namespace pico_llama::simulator
