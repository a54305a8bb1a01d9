#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/board.h"
#include "simulator/devices/i2c_devices.h"
#include "simulator/devices/spi_flash_on_pins.h"

namespace pico_llama::simulate {

/// A part on the board's pins, as --attach describes it.
struct Part {
  enum class Kind : std::uint8_t { kI2cRegisters, kI2cEeprom, kSpiFlash };
  Kind kind = Kind::kI2cRegisters;
  /// GPIOs: SDA and SCL; or select, clock, DI and DO.
  std::vector<unsigned> pins;
  unsigned address = 0;  ///< 7 bits, of the I2C parts
  /// What it holds from its first byte on; the rest is 0 (registers) or FFh (memories).
  std::string contents;
};

/// KIND@PINS[,ADDRESS][=FILE]. Errors: throws UsageFailure for the text, Failure for the file.
Part parse_part(std::string_view text);
/// One line each, for --help.
const char* part_help();

/// The parts of a board, wired. I2C parts on the same two pins share a bus.
/// Requires: the board outlives them, and does not run after their end.
class Parts {
 public:
  Parts(const std::vector<Part>& parts, simulator::Board& board);

 private:
  struct Bus {
    unsigned sda, scl;
    std::unique_ptr<simulator::I2cWires> wires;
  };
  void add(const Part& part, std::unique_ptr<simulator::I2cDevice> device);

  simulator::Board& board_;
  std::vector<Bus> buses_;
  std::vector<std::unique_ptr<simulator::I2cDevice>> devices_;
  std::vector<std::unique_ptr<simulator::FlashChip>> chips_;
  std::vector<std::unique_ptr<simulator::SpiFlashOnPins>> wirings_;
};

}  // namespace pico_llama::simulate
