#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// The data lines of the QSPI bus: bit n = SDn. A line that is not driven reads 1 (the pads pull up).
struct Lines {
  std::uint8_t level = 0;
  std::uint8_t driven = 0;
};

/// The reaction to use of a chip beyond its datasheet. The board stops by default: silicon returns wrong data
/// intermittently, which is hard to find.
struct ViolationPolicy {
  bool stop = true;                            ///< throw Stop; else warn
  std::function<void(std::string_view)> warn;  ///< called when not stopping, for one kind once in a row
  bool spoil = true;  ///< when not stopping: reads too fast for the chip have wrong bits
};

/// A memory chip on the QSPI bus, as its pins see it: chip select, SCK (mode 0: the chip samples on the
/// rising edge and launches on the falling one) and four data lines. It shares nothing else with the QMI, so
/// a wrong command, width or dummy count has the same effect as on hardware.
class SpiChip {
 public:
  SpiChip() = default;
  SpiChip(const SpiChip&) = delete;
  SpiChip& operator=(const SpiChip&) = delete;
  virtual ~SpiChip() = default;

  virtual void select(Picoseconds now) = 0;
  virtual void deselect(Picoseconds now) = 0;
  /// SCK from here on: the clocks that follow begin at `now` and have this period.
  virtual void set_clock(Picoseconds now, Picoseconds sck_period) = 0;
  /// The levels that the chip drives since the last falling edge.
  virtual Lines output() = 0;
  /// One SCK pulse with these levels on the lines at its rising edge.
  virtual void clock(std::uint8_t lines) = 0;

  /// The same as 8 / lanes clocks a byte, for chips in the middle of their data phase: true and n bytes if
  /// the chip drives whole bytes on just these lanes now, else false and nothing happens. `defined` gets bit
  /// i if byte i has ever been written (n <= 8).
  virtual bool stream_out(unsigned lanes, std::uint8_t* bytes, unsigned n, std::uint8_t* defined) = 0;
  /// Bytes into the chip, under the same condition. A byte whose bit in `defined` is clear stays "never
  /// written" where the chip tracks that.
  virtual bool stream_in(unsigned lanes, const std::uint8_t* bytes, unsigned n, std::uint8_t defined) = 0;

  /// The byte stored at an address, without the bus and without time: for the debugger.
  virtual std::uint8_t peek(std::uint32_t address) const = 0;
};

}  // namespace pico_llama::simulator
