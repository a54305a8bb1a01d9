#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "simulator/bus/spi_chip.h"

namespace pico_llama::simulator {

/// The protocol that serial flash and serial RAM share: a command byte, then optionally an address, a mode
/// byte, dummy clocks and data, each on one, two or four lanes. The subclass defines each command's phases
/// and action.
class SerialMemory : public SpiChip {
 public:
  void select(Picoseconds now) override;
  void deselect(Picoseconds now) override;
  void set_clock(Picoseconds now, Picoseconds sck_period) override;
  Lines output() override;
  void clock(std::uint8_t lines) override;
  bool stream_out(unsigned lanes, std::uint8_t* bytes, unsigned n, std::uint8_t* defined) override;
  bool stream_in(unsigned lanes, const std::uint8_t* bytes, unsigned n, std::uint8_t defined) override;

  void set_policy(ViolationPolicy policy) { policy_ = std::move(policy); }

 protected:
  enum class Data : std::uint8_t { kNone, kOut, kIn };
  struct Command {
    unsigned address_lanes = 0;  ///< 0: no address
    unsigned mode_lanes = 0;     ///< 0: no mode byte after the address
    unsigned dummy_clocks = 0;
    Data data = Data::kNone;
    unsigned data_lanes = 1;
    Picoseconds shortest_period = 0;  ///< of SCK, 0: no limit of its own
  };

  /// Empty: an unknown command in the present state; the chip ignores everything until it is deselected.
  virtual std::optional<Command> decode(std::uint8_t opcode) = 0;
  virtual void on_address(std::uint32_t address) = 0;
  virtual void on_mode(std::uint8_t) {}
  /// The next byte to drive; sets `defined` to false if it was never written.
  virtual std::uint8_t next_byte(bool& defined) = 0;
  /// The next n bytes at once, if they are plain memory in a row; else false.
  virtual bool next_block(std::uint8_t*, unsigned, std::uint8_t*) { return false; }
  virtual void take_byte(std::uint8_t byte, bool defined) = 0;
  /// The command has ended. `complete`: all phases before the data were sent, and only whole bytes.
  virtual void on_end(bool complete) = 0;
  /// Lanes of the command byte: 1, or 4 in QPI mode.
  virtual unsigned command_lanes() const = 0;
  /// Continuous read: the next command omits its command byte, which is this one.
  virtual std::optional<std::uint8_t> implied_command() const { return {}; }
  virtual std::string_view chip_name() const = 0;

  /// Use beyond the datasheet: stops, or warns and corrupts data, by the policy.
  void violation(const std::string& what);
  /// Use beyond the datasheet without consequences: warns.
  void warn(const std::string& what);
  std::uint8_t opcode() const { return opcode_; }
  Picoseconds now() const { return now_; }
  Picoseconds sck_period() const { return sck_period_; }
  Picoseconds selected_at() const { return selected_at_; }
  bool selected() const { return selected_; }

 private:
  enum class Phase : std::uint8_t { kCommand, kAddress, kMode, kDummy, kOut, kIn, kDone, kIgnore };

  void begin(std::uint8_t opcode);
  void next_phase(Phase from);
  bool shift_in(std::uint8_t lines, unsigned lanes, unsigned wanted);
  void check_clock();
  std::uint8_t spoil(std::uint8_t byte);

  ViolationPolicy policy_;
  std::uint64_t violations_ = 0;
  std::string last_violation_;
  Command command_;
  Phase phase_ = Phase::kIgnore;
  std::uint8_t opcode_ = 0;
  bool selected_ = false;
  bool too_fast_ = false;
  std::uint32_t shifted_ = 0;
  unsigned bits_ = 0;  ///< shifted in of the current item; in kOut: left of the byte being driven
  unsigned dummies_left_ = 0;
  std::uint8_t out_byte_ = 0;
  Picoseconds now_ = 0;
  Picoseconds sck_period_ = 0;
  Picoseconds selected_at_ = 0;
};

}  // namespace pico_llama::simulator
