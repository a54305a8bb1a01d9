#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "simulator/bus/serial_memory.h"

namespace pico_llama::simulator {

/// Winbond W25Q128JV (16 MB), or W25Q32JV where the board has 4 MB: standard, dual and quad commands,
/// continuous read, status registers with QE, erase and program times, SFDP, unique id.
/// The JV's -IQ/-IN parts have no QPI mode, so 38h is an unknown command.
/// Source: W25Q128JV datasheet rev. F: instruction set tables, status registers, AC characteristics.
/// Typical times where the datasheet gives typical and maximum.
class FlashChip : public SerialMemory {
 public:
  static constexpr std::uint32_t kPageBytes = 256;
  static constexpr std::uint32_t kSectorBytes = 4096;

  /// Requires: `bytes` a power of two from 1 MB to 16 MB. `quad_enable`: QE as the factory set it.
  FlashChip(std::uint32_t bytes, std::uint64_t seed, bool quad_enable = true);

  /// Other chips that a board may carry. Both accept EBh reads; the first has no continuous read and ignores
  /// the mode byte; on the second, of another maker (ISSI's IS25LP128: 9Dh), 35h does not read status 2 but
  /// enters QPI. Source: IS25LP128 datasheet, instruction set (QPIEN 35h).
  void set_no_continuous_read() { knows_continuous_ = false; }
  void set_foreign() { foreign_ = true; }

  std::uint32_t bytes() const { return static_cast<std::uint32_t>(memory_.size()); }
  std::uint8_t* data() { return memory_.data(); }
  const std::array<std::uint8_t, 8>& unique_id() const { return unique_id_; }

  /// Power-on: volatile state is reset; contents and the non-volatile status bits are kept.
  void power_on();
  /// Power is cut now: an erase or program in progress leaves its target partly changed.
  void power_cut(Picoseconds now);

  bool busy(Picoseconds now) const { return now < busy_until_; }
  bool quad_enabled() const { return (status_[1] & kQuadEnable) != 0; }
  bool in_continuous_read() const { return continuous_ != 0; }

  /// Erase or program from `now` on, without commands on the bus; for tests. Each returns the time at which
  /// the chip is ready. Requires: not busy; an erase lies within the chip; a program stays within one page.
  Picoseconds erase(std::uint32_t address, std::uint32_t size, Picoseconds now);
  Picoseconds program(std::uint32_t address, std::span<const std::uint8_t> bytes, Picoseconds now);

  std::uint8_t peek(std::uint32_t address) const override { return memory_[address & (bytes() - 1)]; }

 protected:
  std::optional<Command> decode(std::uint8_t opcode) override;
  void on_address(std::uint32_t address) override { address_ = address; }
  void on_mode(std::uint8_t mode) override;
  std::uint8_t next_byte(bool& defined) override;
  bool next_block(std::uint8_t* block, unsigned n, std::uint8_t* defined) override;
  void take_byte(std::uint8_t byte, bool defined) override;
  void on_end(bool complete) override;
  unsigned command_lanes() const override { return 1; }
  std::optional<std::uint8_t> implied_command() const override;
  std::string_view chip_name() const override { return "flash (W25Q)"; }

 private:
  static constexpr std::uint8_t kWriteEnableLatch = 2;  // status 1
  static constexpr std::uint8_t kQuadEnable = 2;        // status 2

  void begin_operation(std::uint32_t address, std::uint32_t size, Picoseconds duration);
  Picoseconds erase_time(std::uint32_t size) const;
  void apply_erase(std::uint32_t address, std::uint32_t size, Picoseconds now);
  void apply_program(Picoseconds now);
  void write_status(unsigned first);
  std::uint8_t status(unsigned index) const;

  std::uint64_t seed_;
  std::vector<std::uint8_t> memory_;
  std::array<std::uint8_t, 8> unique_id_{};
  std::array<std::uint8_t, 3> status_{};
  std::array<std::uint8_t, 3> kept_status_{};  ///< non-volatile: restored at power-on
  bool knows_continuous_ = true;
  bool foreign_ = false;
  bool asleep_ = false;
  bool reset_enabled_ = false;
  bool volatile_status_ = false;
  std::uint8_t continuous_ = 0;  ///< the read command that continues, or 0
  std::uint32_t address_ = 0;
  std::uint32_t index_ = 0;  ///< of the byte within a register-like read
  std::array<std::uint8_t, kPageBytes> page_{};
  std::uint32_t page_count_ = 0;
  std::vector<std::uint8_t> received_;
  Picoseconds busy_until_ = 0;
  // The operation in progress, for a power cut.
  Picoseconds operation_begin_ = 0;
  std::uint32_t operation_address_ = 0;
  std::vector<std::uint8_t> before_;
};

}  // namespace pico_llama::simulator
