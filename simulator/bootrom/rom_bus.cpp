#include "simulator/bootrom/rom_bus.h"

#include <fmt/format.h>

#include "simulator/stop.h"

namespace pico_llama::simulator {

Reply RomBus::try_load(std::uint32_t address) {
  const Reply reply = bus_.read(address, Access{.master = master_, .size = 4, .now = now});
  now += 1 + reply.stall;
  return reply;
}

std::uint32_t RomBus::load(std::uint32_t address, unsigned size) {
  const Reply reply =
      bus_.read(address, Access{.master = master_, .size = static_cast<std::uint8_t>(size), .now = now});
  now += 1 + reply.stall;
  if (reply.fault != BusFault::kNone) {
    throw Stop(fmt::format("boot ROM: bus fault reading {:#010x} on behalf of the program", address));
  }
  return reply.value;
}

void RomBus::store(std::uint32_t address, std::uint32_t value, unsigned size) {
  const Reply reply = bus_.write(
      address, value, Access{.master = master_, .size = static_cast<std::uint8_t>(size), .now = now});
  now += 1 + reply.stall;
  if (reply.fault != BusFault::kNone) {
    throw Stop(fmt::format("boot ROM: bus fault writing {:#010x} on behalf of the program", address));
  }
}

}  // namespace pico_llama::simulator
