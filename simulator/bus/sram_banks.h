#pragma once
#include <array>
#include <cstdint>

#include "simulator/bus/access.h"
#include "simulator/bus/bus_events.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {

/// Ports of the bus fabric that reach SRAM (datasheet section 2.1): each core has one for instructions and
/// one for data, so a fetch and a load of the same core can meet in a bank, too.
enum class Port : std::uint8_t { kCore0Data, kCore1Data, kDma, kDebugger, kCore0Code, kCore1Code };

/// The cycles in which each of the ten SRAM banks is busy. A bank has one port: of two accesses in the same
/// cycle the loser waits a cycle (datasheet section 2.1.1, 4.2).  The cores are interpreted one after the
/// other in short slices, so the accesses of a cycle do not arrive here together. Each bank therefore
/// remembers its last 64 cycles, and an access that arrives for a cycle already taken moves to
/// the next free one. The access simulated later loses, which depends only on the program, so a run is
/// reproducible. An access more than 64 cycles behind the newest is not charged: slices must be shorter than
/// that for contention to be seen.
class SramBanks {
 public:
  static constexpr unsigned kCount = 10;

  /// Bank of a byte offset into SRAM (datasheet section 4.2, table of bank striping).
  static unsigned bank_of(std::uint32_t offset) {
    if (offset >= 0x80000) return 8 + ((offset >> 12) & 1);
    return ((offset >> 16) & 4) | ((offset >> 2) & 3);
  }

  SramBanks() {
    taken_.fill(~Cycle{0});
    uncounted_newest_.fill(kAlwaysTooOld);
  }

  /// Takes the bank at `now`; returns the cycles lost to another port.
  std::uint32_t take(unsigned bank, Port port, Cycle now) {
    Cycle& taken = taken_[bank * kRemembered + now % kRemembered];
    const std::uint64_t first = now * kPorts, newest = newest_[bank];
    if (taken == now || static_cast<std::int64_t>(newest - first) >= kTooOld) [[unlikely]]
      return take_taken(bank, port, now);
    taken = now;
    const std::uint64_t access = first + static_cast<unsigned>(port);
    newest_[bank] = newest > access ? newest : access;
    return 0;
  }

  /// As take(), which it does not do.
  std::uint32_t wait(unsigned bank, Port port, Cycle now) const {
    SramBanks then = *this;
    return then.take(bank, port, now);
  }
  std::uint64_t conflicts() const { return conflicts_; }
  /// Counts accesses there from now on, or no longer (null). They then all take the slow way, so that take()
  /// has nothing to test for it.
  void count_into(BusEvents* events) {
    if ((events != nullptr) != (events_ != nullptr)) newest_.swap(uncounted_newest_);
    events_ = events;
  }

 private:
  static constexpr Cycle kRemembered = 64;
  static constexpr std::uint64_t kPorts = 8;
  static constexpr std::int64_t kTooOld = kRemembered * kPorts;
  static constexpr std::uint64_t kAlwaysTooOld = std::uint64_t{1} << 62;  ///< newer than any access

  /// The cycle is taken, or too old to be known. Rare, so it is not inlined.
  [[gnu::noinline]] std::uint32_t take_taken(unsigned bank, Port port, Cycle now) {
    if (events_ != nullptr) {
      BusEvents* const events = events_;
      count_into(nullptr);
      const std::uint32_t lost = take(bank, port, now);
      count_into(events);
      events_->add(BusEvents::kSram0 - bank, lost, 0);
      return lost;
    }
    const std::uint64_t first = now * kPorts, newest = newest_[bank];
    if (static_cast<std::int64_t>(newest - first) >= kTooOld) return 0;
    // The same port at the same cycle is one wide transfer whose words were not given cycles of their own.
    if (newest == first + static_cast<unsigned>(port)) return 0;
    ++conflicts_;
    constexpr std::uint32_t kLost = timing::kSramBankConflict.cycles;
    take(bank, port, now + kLost);
    return kLost;
  }

  /// For each bank, indexed by a cycle's low bits: the last cycle with these bits in which it was taken. Two
  /// accesses share no variable but the bank's newest, so the host can overlap them.
  std::array<Cycle, kCount * kRemembered> taken_;
  /// The latest cycle with an access of each bank, as cycle * kPorts + port.
  std::array<std::uint64_t, kCount> newest_{};
  std::uint64_t conflicts_ = 0;
  BusEvents* events_ = nullptr;
  /// While accesses are counted, newest_; else kAlwaysTooOld, which newest_ holds meanwhile.
  std::array<std::uint64_t, kCount> uncounted_newest_{};
};

}  // namespace pico_llama::simulator
