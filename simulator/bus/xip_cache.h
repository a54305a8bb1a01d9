#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

#include "simulator/bus/bus.h"
#include "simulator/bus/qmi.h"
#include "simulator/bus/sram_banks.h"

namespace pico_llama::simulator {

/// The XIP windows 0x10000000..0x1fffffff and the cache behind them (datasheet section 4.4): 16 kB, two ways,
/// 8-byte lines, write-back, write-allocate, random eviction from a seed.
/// Windows by address bits 27:26: 0 cached, 1 uncached, 2 maintenance, 3 uncached and untranslated; bit 24 is
/// the chip select.
class XipCache final : public XipPort {
 public:
  static constexpr unsigned kSets = 1024;
  static constexpr unsigned kWays = 2;
  static constexpr unsigned kLineBytes = 8;

  /// Software errors that end the run although silicon would continue.
  struct Strictness {
    /// Silicon turns a store to a window that is not writable into a load. Stop instead.
    bool stop_on_read_only_write = true;
    /// Told once of such a store that does not stop the run.
    std::function<void(std::string_view)> warn_of_read_only_write = {};
    /// Stop when a load returns PSRAM bytes that have not been written since power-on.
    bool stop_on_undefined_read = true;
  };

  XipCache(Qmi& qmi, std::uint64_t seed);
  void set_strictness(Strictness strictness) { strict_ = std::move(strictness); }

  Reply read(std::uint32_t address, const Access& access) override;
  Reply write(std::uint32_t address, std::uint32_t value, const Access& access) override;

  std::uint32_t contention(std::uint32_t address, const Access& access) const override;

  bool fetch_hit(std::uint32_t address, Master core, Cycle now, std::uint32_t& word,
                 std::uint32_t& stall) override;

  /// Every line invalid, as the boot ROM leaves the cache.
  void invalidate_all();
  /// Registers as after a reset. Tags and data are kept (datasheet section 4.4.1.3).
  void reset();

  // XIP_CTRL, reached through XipControl.
  std::uint32_t control() const { return control_; }
  void set_control(std::uint32_t value);
  std::uint32_t hits() const { return saturated(counters_.hits - hits_cleared_at_); }
  std::uint32_t accesses() const { return saturated(counters_.accesses() - accesses_cleared_at_); }
  void clear_hits() { hits_cleared_at_ = counters_.hits; }
  void clear_accesses() { accesses_cleared_at_ = counters_.accesses(); }

  /// Cycle at which the last miss had its answer: the stream waits for a while after it.
  Cycle last_miss_done() const { return last_miss_done_; }

  /// Since the board was made; for --stats.
  struct Counters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;    ///< line fills
    std::uint64_t uncached = 0;  ///< accesses that bypass the cache
    std::uint64_t write_backs = 0;
    std::uint64_t stall_cycles = 0;  ///< of all masters, for lines, words and busy cache ports
    std::uint64_t accesses() const { return hits + misses + uncached; }
  };
  const Counters& counters() const { return counters_; }

 private:
  static constexpr std::uint32_t kXipMask = 0x03ff'ffff;    ///< the 26-bit XIP address space
  static constexpr std::uint32_t kBeyondQmi = 0x0200'0000;  ///< its half without chip selects

  enum class State : std::uint8_t { kInvalid, kClean, kDirty, kPinned };
  struct Line {
    std::array<std::uint8_t, kLineBytes> bytes{};
    std::uint16_t tag = 0;  ///< address bits 25:13
    State state = State::kInvalid;
    std::uint8_t defined = 0;  ///< bit i: byte i was ever written
  };
  /// A bank's bus port while it waits for a line.
  struct PortHold {
    Cycle begin = 0, end = 0;
    Master master = Master::kDebugger;
  };

  static std::uint16_t tag_of(std::uint32_t address) {
    return static_cast<std::uint16_t>((address & kXipMask) >> 13);
  }
  /// The line that holds `address`, if one does. Which way is random: arithmetic, not a branch for the host
  /// to mispredict.
  const Line& way_of(std::uint32_t address) const {
    const auto& set = lines_[(address >> 3) & (kSets - 1)];
    const unsigned valid = set[0].state != State::kInvalid ? 1 : 0;
    const unsigned first = valid & (set[0].tag == tag_of(address) ? 1 : 0);
    return set[first ^ 1];
  }
  Line* find(std::uint32_t address, unsigned first_way, unsigned last_way);
  /// The line for `address`, filled if need be; nullptr if the access must bypass the cache, or on a fault.
  Line* allocate(std::uint32_t address, Cycle& at, BusFault& fault);
  Cycle write_back(Line& line, std::uint32_t set, Cycle at, BusFault& fault);
  /// A port that waits for a line accepts no other access; two masters on one port in one cycle cost one of
  /// them a cycle.
  Cycle port_free(std::uint32_t address, Master master, Cycle at) {
    const unsigned bank = (address >> 3) & 1;
    const PortHold& hold = holds_[bank];
    if (at < hold.end && at >= hold.begin && hold.master != master) [[unlikely]]
      at = hold.end;
    return at + ports_.take(bank, static_cast<Port>(master), at);
  }
  Cycle port_free(std::uint32_t address, const Access& access) {
    return port_free(address, access.master, access.now);
  }
  Reply cached(std::uint32_t address, bool writing, std::uint32_t value, const Access& access);
  Reply uncached(std::uint32_t address, bool translated, bool writing, std::uint32_t value,
                 const Access& access);
  Reply maintain(std::uint32_t address, const Access& access);
  Reply peek(std::uint32_t address, const Access& access);
  bool writable(std::uint32_t address) const;
  void check_writable(std::uint32_t address, const Access& access);
  void check_defined(std::uint32_t address, const Access& access, unsigned missing) const;
  static std::uint32_t saturated(std::uint64_t count) {
    return count < 0xffff'ffff ? static_cast<std::uint32_t>(count) : 0xffff'ffffu;
  }
  static std::uint32_t from_bytes(const std::uint8_t* bytes, unsigned size);
  static std::uint32_t address_of(const Line& line, std::uint32_t set) {
    return std::uint32_t{line.tag} << 13 | set << 3;
  }

  Qmi& qmi_;
  Strictness strict_;
  std::array<std::array<Line, kWays>, kSets> lines_{};
  SramBanks ports_;  ///< banks 0 and 1: even and odd lines
  std::array<PortHold, 2> holds_{};
  std::uint32_t control_;
  std::uint64_t random_;
  std::uint64_t hits_cleared_at_ = 0;
  std::uint64_t accesses_cleared_at_ = 0;
  Cycle last_miss_done_ = 0;
  Counters counters_;
};

}  // namespace pico_llama::simulator
