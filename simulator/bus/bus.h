#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/bus/access.h"
#include "simulator/bus/bus_events.h"
#include "simulator/bus/sram_banks.h"

namespace pico_llama::simulator {

/// The XIP windows 0x10000000..0x1fffffff: cache, QMI and the chips behind them.
class XipPort {
 public:
  virtual ~XipPort() = default;
  virtual Reply read(std::uint32_t address, const Access& access) = 0;
  virtual Reply write(std::uint32_t address, std::uint32_t value, const Access& access) = 0;
  /// The cycles that an access would wait for other masters before its own begins.
  virtual std::uint32_t contention(std::uint32_t /*address*/, const Access& /*access*/) const { return 0; }
  /// As read() of an aligned word by `core`, if it is in the cache; else false, and nothing has happened.
  /// Code in flash is fetched like this.
  virtual bool fetch_hit(std::uint32_t /*address*/, Master /*core*/, Cycle /*now*/, std::uint32_t& /*word*/,
                         std::uint32_t& /*stall*/) {
    return false;
  }
};

/// Notified when memory that holds decoded instructions is written.
class CodeListener {
 public:
  virtual ~CodeListener() = default;
  /// A write into the granule of `kCodeGranule` bytes that begins at `granule_address`.
  virtual void code_written(std::uint32_t granule_address) = 0;
};

/// The system bus as its masters see it: ROM, SRAM with its ten banks, the XIP windows and the peripherals.
/// The private peripheral bus (0xe0000000) is part of each core, not of this bus.
///
/// Requires: addresses are multiples of access.size (a core splits unaligned ones). `access.now` is the cycle
/// of the address phase; a master makes one access a cycle on a port, so words of a burst carry cycles of
/// their own.
class Bus {
 public:
  static constexpr std::uint32_t kRomSize = 32 * 1024;
  static constexpr std::uint32_t kXipBase = 0x1000'0000;
  static constexpr std::uint32_t kSramBase = 0x2000'0000;
  static constexpr std::uint32_t kSramSize = 520 * 1024;
  static constexpr std::uint32_t kCodeGranuleBits = 7;
  static constexpr std::uint32_t kCodeGranule = 1u << kCodeGranuleBits;

  Bus();

  /// A load on the master's data port.
  Reply read(std::uint32_t address, const Access& access) {
    const std::uint32_t offset = address - kSramBase;
    if (offset < kSramSize) [[likely]] {
      return {.value = load(sram_.get() + offset, access.size),
              .stall = take_bank(offset, data_port(access), access.now)};
    }
    return read_elsewhere(address, access);
  }

  /// A store on the master's data port. The atomic aliases are part of the address; access.op is ignored
  /// here.
  Reply write(std::uint32_t address, std::uint32_t value, const Access& access) {
    const std::uint32_t offset = address - kSramBase;
    if (offset < kSramSize) [[likely]] {
      store(sram_.get() + offset, value, access.size);
      if (code_map_[offset >> kCodeGranuleBits] != 0) [[unlikely]]
        notify_code_written(offset);
      return {.stall = take_bank(offset, data_port(access), access.now)};
    }
    return write_elsewhere(address, value, access);
  }

  /// An instruction fetch of one aligned 32-bit word, on the core's Code port. Peripherals cannot be fetched
  /// from (datasheet section 2.1).
  Reply fetch(std::uint32_t address, const Access& access) {
    const std::uint32_t offset = address - kSramBase;
    if (offset < kSramSize) [[likely]] {
      return {.value = load(sram_.get() + offset, 4),
              .stall = fetch_stall(address, access.master, access.now)};
    }
    return fetch_elsewhere(address, access);
  }

  /// Stall cycles of a fetch from SRAM, for a core that has the instruction decoded already.
  /// Requires: `address` in SRAM.
  std::uint32_t fetch_stall(std::uint32_t address, Master core, Cycle now) {
    return fetch_stall(SramBanks::bank_of(address - kSramBase), code_port(core), now);
  }
  /// As above, for a known bank.
  std::uint32_t fetch_stall(unsigned bank, Port code_port, Cycle now) {
    return banks_.take(bank, code_port, now);
  }
  /// Stall cycles of a load or store of `offset` in SRAM.
  std::uint32_t data_stall(std::uint32_t offset, Port port, Cycle now) {
    return banks_.take(SramBanks::bank_of(offset), port, now);
  }
  /// The same for a core's inner loop, see SramBanks::take_recent().
  std::uint32_t recent_fetch_stall(unsigned bank, Port code_port, Cycle now) {
    return banks_.take_recent(bank, code_port, now);
  }
  std::uint32_t recent_data_stall(std::uint32_t offset, Port port, Cycle now) {
    return banks_.take_recent(SramBanks::bank_of(offset), port, now);
  }
  bool banks_remember(Cycle now) const { return banks_.remembers(now); }
  void note_bank_accesses(Cycle now) { banks_.note_accesses(now); }
  /// The load itself, and the store: `offset` is a multiple of kSize.
  template <unsigned kSize>
  std::uint32_t sram_load(std::uint32_t offset) const {
    return load(sram_.get() + offset, kSize);
  }
  template <unsigned kSize>
  void sram_store(std::uint32_t offset, std::uint32_t value) {
    store(sram_.get() + offset, value, kSize);
    if (code_map_[offset >> kCodeGranuleBits] != 0) [[unlikely]]
      notify_code_written(offset);
  }
  static Port code_port(Master core) { return core == Master::kCore0 ? Port::kCore0Code : Port::kCore1Code; }

  /// See XipPort; `address` is in the XIP windows.
  bool fetch_hit(std::uint32_t address, Master core, Cycle now, std::uint32_t& word, std::uint32_t& stall) {
    return fetched_xip_ != nullptr && fetched_xip_->fetch_hit(address, core, now, word, stall);
  }
  /// As fetch(), for an address that is not in SRAM.
  Reply fetch_elsewhere(std::uint32_t address, const Access& access);

  void attach_xip(XipPort* xip) { xip_ = fetched_xip_ = xip; }
  /// Without one, all accesses pass.
  void attach_filter(const AccessFilter* filter) { filter_ = filter; }
  /// `base` as in the SDK's hardware/regs/addressmap.h. A window is a multiple of 4 kB; for a device with
  /// atomic aliases it is 16 kB, registers and the three aliases (datasheet section 2.1.3). A window may be
  /// attached again: the new device replaces the old one.
  void attach(std::uint32_t base, std::uint32_t window_bytes, Device* device);

  std::uint8_t* sram() { return sram_.get(); }
  std::uint8_t* rom() { return rom_.data(); }

  /// One byte for each granule of SRAM. A core sets bit n (n = its number) of the granules it has decoded
  /// instructions from; a write there clears the byte and notifies the listeners whose bit was set.
  std::uint8_t* code_map() { return code_map_.data(); }
  void attach_code_listener(unsigned core, CodeListener* listener) { code_listeners_[core] = listener; }

  /// Cycles that masters lost to each other in SRAM banks.
  std::uint64_t bank_conflicts() const { return banks_.conflicts(); }

  /// Counts what happens at the ports of the crossbar, from now on or no longer. Accesses to the ROM are not
  /// counted, and peripherals have no contention.
  void count_events(bool on) {
    counts_events_ = on;
    banks_.count_into(on ? &events_ : nullptr);
    fetched_xip_ = on ? nullptr : xip_;  // hits in the cache, too, then come through fetch_elsewhere()
  }
  const BusEvents& events() const { return events_; }

  /// `size` bytes of ROM (peek() only) or SRAM, without side effects or time; for debugger, loaders and
  /// tests. False for other addresses.
  bool peek(std::uint32_t address, void* bytes, std::uint32_t size) const;
  bool poke(std::uint32_t address, const void* bytes, std::uint32_t size);

 private:
  struct Window {
    Device* device = nullptr;
    std::uint32_t base = 0;
    bool atomic_aliases = false;
    bool byte_addressable = false;
    bool on_apb = false;
  };
  static constexpr std::uint32_t kPageBits = 12;

  static std::uint32_t load(const std::uint8_t* at, unsigned size) {
    if (size == 4) {
      std::uint32_t word;
      std::memcpy(&word, at, 4);
      return word;
    }
    if (size == 1) return *at;
    std::uint16_t half;
    std::memcpy(&half, at, 2);
    return half;
  }
  static void store(std::uint8_t* at, std::uint32_t value, unsigned size) {
    if (size == 4) {
      std::memcpy(at, &value, 4);
    } else if (size == 1) {
      *at = static_cast<std::uint8_t>(value);
    } else {
      const auto half = static_cast<std::uint16_t>(value);
      std::memcpy(at, &half, 2);
    }
  }
  static Port data_port(const Access& access) { return static_cast<Port>(access.master); }
  std::uint32_t take_bank(std::uint32_t offset, Port port, Cycle now) {
    if (port == Port::kDebugger) return 0;
    return banks_.take(SramBanks::bank_of(offset), port, now);
  }

  Reply read_elsewhere(std::uint32_t address, const Access& access);
  Reply write_elsewhere(std::uint32_t address, std::uint32_t value, const Access& access);
  /// The port of an access outside SRAM, or nothing for one that is not counted.
  std::optional<unsigned> counted_port(std::uint32_t address, const Access& access) const;
  /// Makes the access and counts it.
  template <typename Make>
  Reply counted(std::uint32_t address, const Access& access, Make&& make);
  void notify_code_written(std::uint32_t offset);
  const Window* window_at(std::uint32_t address) const;
  bool admits(const Window& window, const Access& access) const {
    if (filter_ == nullptr || (access.secure && !filter_->restricts_secure)) return true;
    return filter_->admits(window.base, access);
  }
  Reply read_device(const Window& window, std::uint32_t address, const Access& access);
  Reply write_device(const Window& window, std::uint32_t address, std::uint32_t value, const Access& access);

  std::unique_ptr<std::uint8_t[]> sram_;
  SramBanks banks_;
  std::array<std::uint8_t, kSramSize / kCodeGranule> code_map_{};
  std::array<CodeListener*, 2> code_listeners_{};
  XipPort* xip_ = nullptr;
  XipPort* fetched_xip_ = nullptr;  ///< xip_, or null while events are counted
  bool counts_events_ = false;
  BusEvents events_;
  const AccessFilter* filter_ = nullptr;
  std::array<std::uint8_t, kRomSize> rom_{};
  /// By page of 4 kB: APB, AHB and SIO, each from its base.
  std::array<std::vector<Window>, 3> windows_;
};

}  // namespace pico_llama::simulator
