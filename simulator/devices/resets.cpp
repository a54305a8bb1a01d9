#include "simulator/devices/resets.h"

namespace pico_llama::simulator {
namespace {
constexpr Register kRegisters[] = {
    {.offset = 0x0, .name = "RESET", .reset = Resets::kAll, .writable = Resets::kAll, .ignored = ~0U},
    {.offset = 0x4, .name = "WDSEL", .writable = Resets::kAll, .ignored = ~0U},
    {.offset = 0x8, .name = "RESET_DONE", .ignored = ~0U},
};
}  // namespace

Resets::Resets() : RegisterDevice("RESETS", kRegisters) {}

void Resets::reset() {
  RegisterDevice::reset();
  set_held(kAll);
}

void Resets::set_held(std::uint32_t mask) {
  stored(kReset) = mask;
  for (unsigned bit = 0; bit < kCount; ++bit) {
    if ((mask >> bit & 1U) != 0 && attached_[bit]) attached_[bit]();
  }
}

std::uint32_t Resets::on_read(std::uint32_t offset, const Access&) {
  // A peripheral comes out of reset within a few of its clock cycles; nothing waits long enough to see it.
  return offset == kResetDone ? ~stored(kReset) & kAll : stored(offset);
}

void Resets::on_write(const Write& write, const Access&) {
  if (write.offset == kReset) set_held(stored(kReset));
}

}  // namespace pico_llama::simulator
