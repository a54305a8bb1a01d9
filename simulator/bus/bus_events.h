#pragma once
#include <array>
#include <cstdint>

namespace pico_llama::simulator {

/// What happens at the ports of the crossbar, for BUSCTRL's performance counters (datasheet section
/// 12.15.4.2). An event's number is that of PERFSEL: four for each port.
struct BusEvents {
  /// In PERFSEL's order.
  enum Port : std::uint8_t {
    kSiobCore1,
    kSiobCore0,
    kApb,
    kFastPeripherals,
    kSram9,
    kSram0 = 13,
    kXip1,
    kXip0,
    kRom
  };
  static constexpr unsigned kPorts = 17;
  enum Kind : std::uint8_t { kStallUpstream, kStallDownstream, kContested, kAccess };
  static constexpr unsigned event(unsigned port, Kind kind) { return 4 * port + kind; }

  std::array<std::uint64_t, 4 * kPorts> counts{};

  /// An access that waited `contention` cycles for other masters, then `slow` for what is behind the port.
  void add(unsigned port, std::uint32_t contention, std::uint32_t slow) {
    ++counts[event(port, kAccess)];
    if (contention != 0) ++counts[event(port, kContested)];
    counts[event(port, kStallUpstream)] += contention + slow;
    counts[event(port, kStallDownstream)] += slow;
  }
};

}  // namespace pico_llama::simulator
