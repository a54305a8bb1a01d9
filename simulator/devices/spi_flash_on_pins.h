#pragma once
#include <functional>

#include "simulator/bus/flash_chip.h"
#include "simulator/devices/gpio.h"

namespace pico_llama::simulator {

/// A serial flash chip on four GPIOs, with one data line in each direction (mode 0).
class SpiFlashOnPins {
 public:
  struct Pins {
    unsigned select, clock, in, out;  ///< `in` and `out` as the chip sees them: DI and DO
  };
  /// `now`: the time of the change that is being reported.
  SpiFlashOnPins(FlashChip& chip, Gpio& gpio, Pins pins, std::function<Picoseconds()> now)
      : chip_(chip), gpio_(gpio), pins_(pins), now_(std::move(now)) {
    chip_.power_on();
    gpio_.watch_levels(std::uint64_t{1} << pins.select | std::uint64_t{1} << pins.clock,
                       [this] { changed(); });
  }

 private:
  void changed() {
    const Picoseconds now = now_();
    const bool selected = !gpio_.level(pins_.select), clock = gpio_.level(pins_.clock);
    if (selected != selected_) {
      selected_ = selected;
      if (selected)
        chip_.select(now);
      else
        chip_.deselect(now);
    } else if (selected && clock != clock_ && clock) {
      constexpr Picoseconds kUnknown = kPicosecondsPerMicrosecond;  // the first clock has no period yet
      chip_.set_clock(now, rose_ == 0 ? kUnknown : now - rose_);
      constexpr unsigned kHoldAndWriteProtect = 0xc, kDo = 2;  // not driven: they read 1
      chip_.clock(static_cast<std::uint8_t>((gpio_.level(pins_.in) ? 1U : 0U) | kDo | kHoldAndWriteProtect));
      rose_ = now;
    }
    if (!selected) rose_ = 0;
    clock_ = clock;
    // DO changes with the falling edge.
    if (clock) return;
    const Lines lines = selected ? chip_.output() : Lines{};
    if ((lines.driven & 2) != 0)
      gpio_.drive(pins_.out, (lines.level & 2) != 0);
    else
      gpio_.release(pins_.out);
  }

  FlashChip& chip_;
  Gpio& gpio_;
  Pins pins_;
  std::function<Picoseconds()> now_;
  bool selected_ = false, clock_ = false;
  Picoseconds rose_ = 0;
};

}  // namespace pico_llama::simulator
