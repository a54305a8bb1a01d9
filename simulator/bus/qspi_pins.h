#pragma once
#include <array>
#include <cstdint>

#include "simulator/bus/qmi_format.h"
#include "simulator/bus/spi_chip.h"

namespace pico_llama::simulator {

/// The wires between the QMI and its two chips, clock by clock. Transfers levels only; no commands.
class QspiPins {
 public:
  void attach(unsigned select, SpiChip* chip) { chips_[select] = chip; }
  /// Whether the chip select reaches a pin: chip select 1 does once a GPIO has been given that function.
  void connect_select(unsigned select, bool connected) { connected_[select] = connected; }
  const SpiChip* chip(unsigned select) const { return chips_[select]; }

  void select(unsigned select, Picoseconds now);
  void deselect(unsigned select, Picoseconds now);
  bool selected(unsigned select) const { return low_[select]; }
  void set_clock(Picoseconds now, Picoseconds sck_period);

  /// The host drives `bits` of `value`, most significant first. On one lane SD0 is the only line it drives.
  /// `dtr`: two transfers a clock; the chips here sample one of them.
  void send(std::uint32_t value, unsigned bits, unsigned lanes, bool dtr = false);
  /// Clocks in which the host sends nothing: SD0 low on one lane, lines released on more.
  void dummy(unsigned bits, unsigned lanes);
  /// Reads whole bytes.
  void receive(std::uint8_t* bytes, unsigned n, unsigned lanes, Sampling sampling, bool dtr,
               std::uint8_t* defined);
  void transmit(const std::uint8_t* bytes, unsigned n, unsigned lanes, bool dtr, std::uint8_t defined);
  /// Eight bits out and in at once, as direct mode does. `drive`: the host's outputs are on (dual and quad).
  std::uint8_t exchange(std::uint8_t byte, unsigned lanes, bool drive, Sampling sampling);
  /// INOVER of SD1: the host reads it low, whatever a chip drives.
  void read_sd1_as_low(bool low) { sd1_reads_low_ = low; }

 private:
  /// One clock with the host's levels on the lines; returns the levels sampled before it.
  std::uint8_t clock(Lines host);
  std::uint8_t levels(Lines host);
  SpiChip* only_chip() const;
  /// `bytes` as the host sees them.
  void override_input(std::uint8_t* bytes, unsigned n, unsigned lanes) const;

  std::array<SpiChip*, 2> chips_{};
  std::array<bool, 2> connected_{true, true};
  std::array<bool, 2> low_{};
  std::array<bool, 2> selected_{};  ///< the chip has seen its select go low
  std::uint8_t previous_ = 0xf;
  bool sd1_reads_low_ = false;
};

}  // namespace pico_llama::simulator
