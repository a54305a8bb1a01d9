#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <map>

#include "simulator/bus/access.h"

namespace pico_llama::simulator {

/// What answers in the XIP windows 0x10000000..0x1fffffff: cache, QMI and the chips behind it.
class XipPort {
 public:
  virtual ~XipPort() = default;
  virtual Reply read(std::uint32_t address, const Access& access) = 0;
  virtual Reply write(std::uint32_t address, std::uint32_t value, const Access& access) = 0;
};

/// The system bus as its masters see it: ROM, SRAM with its ten banks, the XIP windows and the peripherals.
/// The private peripheral bus (0xe0000000) is each core's own and never comes here.
class Bus {
 public:
  static constexpr std::uint32_t kSramBase = 0x2000'0000;
  static constexpr std::uint32_t kSramSize = 520 * 1024;
  static constexpr std::uint32_t kRomSize = 32 * 1024;

  Reply read(std::uint32_t address, const Access& access);
  Reply write(std::uint32_t address, std::uint32_t value, const Access& access);
  /// An instruction fetch of one aligned 32-bit word, on the core's Code port.
  Reply fetch(std::uint32_t address, const Access& access);

  void attach_xip(XipPort* xip) { xip_ = xip; }
  /// `base` as in the SDK's hardware/regs/addressmap.h; the window reaches to the next device's base.
  void attach(std::uint32_t base, std::uint32_t window_bytes, Device* device);

  std::uint8_t* sram() { return sram_.data(); }
  std::uint8_t* rom() { return rom_.data(); }

 private:
  std::array<std::uint8_t, kSramSize> sram_{};
  std::array<std::uint8_t, kRomSize> rom_{};
  XipPort* xip_ = nullptr;
  std::map<std::uint32_t, std::pair<std::uint32_t, Device*>> devices_;
};

}  // namespace pico_llama::simulator
