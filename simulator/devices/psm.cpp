#include "simulator/devices/psm.h"

namespace pico_llama::simulator {
namespace {
constexpr Register kRegisters[] = {
    {.offset = 0x0, .name = "FRCE_ON", .writable = Psm::kAll},
    {.offset = 0x4, .name = "FRCE_OFF", .writable = Psm::kProc1},
    {.offset = 0x8, .name = "WDSEL", .writable = Psm::kAll, .ignored = ~Psm::kAll},  // A2 writes fffffffe
    {.offset = 0xc, .name = "DONE", .ignored = ~0U},
};
}  // namespace

Psm::Psm() : RegisterDevice("PSM", kRegisters) {}

void Psm::reset_by_watchdog() {
  // WDSEL remains: A2's boot ROM looks there for the kind of reset that its reboot() has asked for.
  const std::uint32_t selection = stored(kWdsel);
  reset();
  stored(kWdsel) = selection;
}

std::uint32_t Psm::on_read(std::uint32_t offset, const Access&) {
  return offset == kDone ? kAll & ~stored(kFrceOff) : stored(offset);
}

void Psm::on_write(const Write& write, const Access&) {
  if (write.offset != kFrceOff) return;
  const bool was = (write.old_value & kProc1) != 0;
  const bool held = (stored(kFrceOff) & kProc1) != 0;
  if (was != held && core1_reset_) core1_reset_(held);
}

}  // namespace pico_llama::simulator
