#pragma once
#include <array>
#include <cstdint>
#include <utility>

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

  SramBanks() { accesses_.fill(kNever); }

  /// Takes the bank at `now`; returns the cycles lost to another port.
  std::uint32_t take(unsigned bank, Port port, Cycle now) {
    if (!remembers(now)) [[unlikely]]
      return take_old(bank, port, now);
    note_accesses(now);
    return take_remembered<true>(bank, port, now);
  }
  /// As take(), for a core's inner loop, which does the rest once for many accesses: remembers(now) holds,
  /// and note_accesses() follows before anyone calls take().
  std::uint32_t take_recent(unsigned bank, Port port, Cycle now) {
    return take_remembered<false>(bank, port, now);
  }
  /// No access of any bank is 64 cycles later than `now`.
  bool remembers(Cycle now) const { return now + kRemembered > latest_; }
  /// There were accesses up to `now`.
  void note_accesses(Cycle now) { latest_ = latest_ > now ? latest_ : now; }

  /// As take(), which it does not do.
  std::uint32_t wait(unsigned bank, Port port, Cycle now) const {
    SramBanks then = *this;
    return then.take(bank, port, now);
  }
  std::uint64_t conflicts() const { return conflicts_; }
  /// Counts accesses there from now on, or no longer (null). They then all take the slow way, as if too old,
  /// so that take() has nothing to test for it.
  void count_into(BusEvents* events) {
    if ((events != nullptr) != (events_ != nullptr)) std::swap(latest_, uncounted_latest_);
    events_ = events;
  }

 private:
  static constexpr Cycle kRemembered = 64;
  static constexpr std::uint32_t kLost = timing::kSramBankConflict.cycles;
  static constexpr std::uint64_t kPorts = 8, kNever = ~std::uint64_t{0};
  static constexpr Cycle kAlwaysTooOld = Cycle{1} << 62;  ///< later than any access

  /// The bank's latest access, kNever if there was none.
  std::uint64_t newest(unsigned bank) const {
    std::uint64_t result = kNever;
    for (unsigned i = 0; i < kRemembered; ++i) {
      const std::uint64_t access = accesses_[bank * kRemembered + i];
      if (access + 1 > result + 1) result = access;
    }
    return result;
  }
  bool accessed_after(unsigned bank, Cycle now, Cycle latest) const {
    for (Cycle cycle = now + 1; cycle <= latest && cycle < now + kRemembered; ++cycle)
      if (accesses_[bank * kRemembered + cycle % kRemembered] / kPorts == cycle) return true;
    return false;
  }
  template <bool kAllNoted>
  std::uint32_t take_remembered(unsigned bank, Port port, Cycle now) {
    std::uint64_t* const of_bank = &accesses_[bank * kRemembered];
    std::uint64_t& last = of_bank[now % kRemembered];
    const std::uint64_t access = now * kPorts + static_cast<unsigned>(port);
    if ((last ^ access) >= kPorts) [[likely]] {
      last = access;
      return 0;
    }
    // One access of sixteen is late. A call would cost the host as much as the branch that it mispredicts.
    std::uint64_t& later = of_bank[(now + kLost) % kRemembered];
    const std::uint64_t late_access = access + kLost * kPorts;
    if (last == access || (later ^ late_access) < kPorts) [[unlikely]]
      return take_taken(bank, port, now, kAllNoted ? latest_ : now + kRemembered);
    later = late_access;
    note_accesses(now + kLost);
    ++conflicts_;
    return kLost;
  }
  /// The cycle is taken, by the same port or with the one after it. No access is later than `latest`.
  [[gnu::noinline]] std::uint32_t take_taken(unsigned bank, Port port, Cycle now, Cycle latest) {
    // The same port at the same cycle is one wide transfer whose words were not given cycles of their own.
    const std::uint64_t access = now * kPorts + static_cast<unsigned>(port);
    const bool same = accesses_[bank * kRemembered + now % kRemembered] == access;
    if (same && !accessed_after(bank, now, latest)) return 0;
    ++conflicts_;
    note_accesses(now + kLost);
    take_remembered<false>(bank, port, now + kLost);
    return kLost;
  }
  /// A bank was accessed 64 cycles later, perhaps this one; or accesses are counted.
  [[gnu::noinline]] std::uint32_t take_old(unsigned bank, Port port, Cycle now) {
    if (events_ != nullptr) {
      BusEvents* const events = events_;
      count_into(nullptr);
      const std::uint32_t lost = take(bank, port, now);
      count_into(events);
      events_->add(BusEvents::kSram0 - bank, lost, 0);
      return lost;
    }
    const std::uint64_t last = newest(bank);
    if (last != kNever && last / kPorts >= now + kRemembered) return 0;
    return take_remembered<false>(bank, port, now);
  }

  /// For each bank, indexed by a cycle's low bits: the last access in such a cycle, as cycle * kPorts + port.
  /// Two accesses share no variable, so the host can overlap them.
  std::array<std::uint64_t, kCount * kRemembered> accesses_;
  Cycle latest_ = 0;  ///< no access is later
  std::uint64_t conflicts_ = 0;
  BusEvents* events_ = nullptr;
  /// While accesses are counted, latest_; else kAlwaysTooOld, which latest_ holds meanwhile.
  Cycle uncounted_latest_ = kAlwaysTooOld;
};

}  // namespace pico_llama::simulator
