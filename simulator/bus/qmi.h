#pragma once
#include <array>
#include <cstdint>

#include "simulator/bus/access.h"
#include "simulator/bus/qmi_direct.h"
#include "simulator/bus/qmi_format.h"
#include "simulator/bus/qspi_pins.h"
#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// The QSPI memory interface (datasheet section 12.14): turns reads and writes of the XIP windows into serial
/// transfers as the format registers define them, and computes their time. Also its APB registers.
class Qmi : public Device {
 public:
  static constexpr std::uint32_t kBase = 0x400d'0000;

  explicit Qmi(const Timebase& timebase);

  void attach_chip(unsigned select, SpiChip* chip) { pins_.attach(select, chip); }
  /// Chip select 1 reaches its chip only while a GPIO has the function XIP_CS1n and its pad is not isolated.
  void connect_select(unsigned select, bool connected) { pins_.connect_select(select, connected); }
  /// Delay from clock to data on a chip select's lines; for boards that are not typical.
  void set_round_trip(unsigned select, RoundTrip trip) { round_trips_[select] = trip; }
  /// Registers as after a reset of the RP2350. To the memory chips, their chip selects go high.
  void reset(Cycle now);

  struct Result {
    Cycle done = 0;  ///< when the master has its answer
    BusFault fault = BusFault::kNone;
    std::uint8_t defined = 0xff;  ///< bit i: byte i has been written since the chip had power
  };
  /// A memory-mapped transfer of 1, 2, 4 or 8 bytes. `address`: bit 24 is the chip select; `translate`:
  /// through ATRANS0-7 (not in the window at 0x1c000000).
  Result read(std::uint32_t address, bool translate, std::uint8_t* bytes, unsigned size, Cycle now);
  Result write(std::uint32_t address, bool translate, const std::uint8_t* bytes, unsigned size, Cycle now,
               std::uint8_t defined = 0xff);
  /// The byte that a read would return, without time, bus or side effects. For the debugger.
  bool peek(std::uint32_t address, bool translate, std::uint8_t* byte) const;
  /// Cycle up to which the bus is taken by the transfers so far.
  Cycle busy_until() const { return busy_until_; }

  std::string_view name() const override { return "qmi"; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

  /// The direct-mode FIFOs, also reached through XIP_AUX.
  QmiDirect& direct() { return direct_; }

  /// Since reset, by chip select.
  struct Counters {
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t busy_cycles = 0;  ///< chip select low for a transfer, header and data
    std::uint64_t transfers = 0;
    std::uint64_t chained = 0;  ///< transfers that continued the one before
  };
  const Counters& counters(unsigned select) const { return counters_[select]; }
  /// See QspiPins.
  void read_sd1_as_low(bool low) { pins_.read_sd1_as_low(low); }
  /// Whether a chip select is low: during a transfer, its cooldown, or by direct mode.
  bool select_is_low(unsigned select, Cycle now) const {
    return pins_.selected(select) && (!active_ || release_cycle() > now);
  }

 private:
  struct Window {
    QmiTiming timing;
    QmiFormat read, write;
  };

  void decode_window(unsigned window);
  bool translate(std::uint32_t address, bool translated, std::uint32_t& physical) const;
  Picoseconds period(unsigned clkdiv) const;
  Picoseconds time_at(Cycle cycle) const { return timebase_.time_at(cycle); }
  Cycle release_cycle() const;
  void release(Cycle at);
  /// Brings the bus to the data phase; returns the cycle in which that begins.
  Cycle begin(unsigned window, bool writing, std::uint32_t physical, Cycle now);
  /// A whole memory-mapped transfer; `move_data(window, result)` moves its data over the pins and returns the
  /// cycles from the last SCK edge to the master's answer. Nothing moves where the access is a bus fault.
  template <typename MoveData>
  Result transfer(std::uint32_t address, bool translated, bool writing, unsigned size, Cycle now,
                  MoveData move_data);
  void leave_memory_mapped(Cycle now);

  const Timebase& timebase_;
  QspiPins pins_;
  QmiDirect direct_;
  std::array<std::uint32_t, 21> registers_{};
  std::array<Window, 2> windows_;
  std::array<RoundTrip, 2> round_trips_{};

  bool active_ = false;  ///< a chip select is low for a memory-mapped transfer
  unsigned active_window_ = 0;
  bool active_write_ = false;
  bool page_end_ = false;
  std::uint32_t next_address_ = 0;
  Cycle selected_at_ = 0;
  Picoseconds selected_time_ = 0;
  Cycle busy_until_ = 0;     ///< last SCK edge of the last transfer
  Cycle deselected_at_ = 0;  ///< valid while no chip select is low
  unsigned deselected_window_ = 0;
  mutable std::uint32_t period_hz_ = 0;
  mutable Picoseconds cycle_ps_ = 0;
  std::array<Counters, 2> counters_{};
};

}  // namespace pico_llama::simulator
