#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {

/// Assembles T32 code for the Cortex-M33 with the cross assembler of the firmware build.
/// Requires: arm-none-eabi-as and objcopy in PATH; fails the test otherwise.
std::vector<std::uint8_t> assemble(const std::string& source, std::uint32_t address);

/// A core with SRAM and nothing else, and code given as assembly.
class Machine {
 public:
  static constexpr std::uint32_t kVectors = 0x2000'0000;
  static constexpr std::uint32_t kCode = 0x2000'1000;
  static constexpr std::uint32_t kData = 0x2004'0000;  // another group of banks than the code
  static constexpr std::uint32_t kStack = 0x2008'0000;

  Timebase timebase{150'000'000};
  EventQueue events{timebase};
  Bus bus;
  Core core{0, bus, events};
  Core core1{1, bus, events};

  Machine();
  /// Puts `source` at kCode and starts core 0 there; the code ends at a label `done:` appended to it.
  void load(const std::string& source, std::uint32_t address = kCode);
  /// Runs core 0 until pc is at `done`, with the events that fall due. Fails the test after `limit` cycles.
  void run(Cycle limit = 100'000);
  /// Cycles from kCode to `done`.
  Cycle cycles() const { return core.now() - started_at_; }

  std::uint32_t word(std::uint32_t address);
  void set_word(std::uint32_t address, std::uint32_t value);

 private:
  std::uint32_t done_ = 0;
  Cycle started_at_ = 0;
};

}  // namespace pico_llama::simulator
