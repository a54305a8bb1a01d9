#pragma once
#include <cstdint>
#include <vector>

#include "simulator/bus/serial_memory.h"

namespace pico_llama::simulator {

/// Faults of a PSRAM chip. An absent chip is not attached to the QMI.
struct PsramFaults {
  bool wrong_id = false;   ///< another maker's id and a KGD byte that says "failed"
  bool stuck_bit = false;  ///< bit 3 of every byte at an address ...5a5 in a 4 kB page reads 1
};

/// AP Memory APS6404L-3SQR, 8 MB: SPI or QPI, each command with its own phases and clock limit.
/// Contents are undefined at power-on and survive a warm reset, as does QPI mode.
/// Source: APS6404L-3SQR datasheet: command table, AC timing (tCEM 8 us, tCPH 18 ns), ID register.
class PsramChip : public SerialMemory {
 public:
  static constexpr std::uint32_t kBytes = 8u << 20;

  explicit PsramChip(std::uint64_t seed, PsramFaults faults = {});

  /// Power was off: contents lost, SPI mode, linear bursts.
  void power_on();

  bool in_qpi() const { return qpi_; }
  std::uint8_t* data() { return memory_.data(); }
  /// Whether a byte has been written since power-on.
  bool defined(std::uint32_t address) const { return ((defined_[address >> 3] >> (address & 7)) & 1) != 0; }

  /// The board's part runs faster than the datasheet: no check of SCK. For timing tests of published
  /// measurements, which were made at 112 MHz.
  void lift_clock_limits() { clock_limits_ = false; }

  void select(Picoseconds now) override;
  void deselect(Picoseconds now) override;
  void set_clock(Picoseconds now, Picoseconds sck_period) override;

  std::uint8_t peek(std::uint32_t address) const override { return memory_[address % kBytes]; }

 protected:
  std::optional<Command> decode(std::uint8_t opcode) override;
  void on_address(std::uint32_t address) override { address_ = reading_id_ ? 0 : address % kBytes; }
  std::uint8_t next_byte(bool& defined) override;
  bool next_block(std::uint8_t* block, unsigned n, std::uint8_t* defined) override;
  void take_byte(std::uint8_t byte, bool defined) override;
  void on_end(bool complete) override;
  unsigned command_lanes() const override { return qpi_ ? 4 : 1; }
  std::string_view chip_name() const override { return "PSRAM (APS6404L)"; }

 private:
  void advance();
  void check_select_time(Picoseconds now);
  std::uint8_t id_byte(std::uint32_t index) const;

  std::uint64_t seed_;
  PsramFaults faults_;
  bool clock_limits_ = true;
  bool qpi_ = false;
  bool wrap_32_ = false;
  bool reset_enabled_ = false;
  bool reading_id_ = false;
  bool moving_data_ = false;
  std::uint32_t address_ = 0;
  std::uint32_t power_cycles_ = 0;
  Picoseconds deselected_at_ = 0;
  bool ever_selected_ = false;
  std::vector<std::uint8_t> memory_;
  std::vector<std::uint8_t> defined_;
};

}  // namespace pico_llama::simulator
