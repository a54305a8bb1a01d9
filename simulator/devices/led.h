#pragma once
#include <cstdint>
#include <functional>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// The board's LED, as an eye would see it.
class Led {
 public:
  /// Called at every change.
  void set_observer(std::function<void(bool lit, Picoseconds at)> changed) { changed_ = std::move(changed); }

  void set(bool lit, Picoseconds now) {
    if (lit == lit_) return;
    if (lit_) lit_time_ += now - since_;
    lit_ = lit;
    since_ = now;
    ++changes_;
    if (changed_) changed_(lit, now);
  }
  bool lit() const { return lit_; }
  std::uint64_t changes() const { return changes_; }
  /// How long it was lit, up to `now`.
  Picoseconds lit_time(Picoseconds now) const { return lit_time_ + (lit_ ? now - since_ : 0); }

 private:
  std::function<void(bool, Picoseconds)> changed_;
  bool lit_ = false;
  Picoseconds since_ = 0, lit_time_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace pico_llama::simulator
