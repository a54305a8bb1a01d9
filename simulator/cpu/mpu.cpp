#include "simulator/cpu/mpu.h"

namespace pico_llama::simulator {

int Mpu::region_of(std::uint32_t address) const {
  int found = -1;
  for (unsigned i = 0; i < kRegions; ++i) {
    if ((rlar[i] & 1) == 0) continue;
    if (address < (rbar[i] & ~31u) || address > (rlar[i] | 31u)) continue;
    if (found >= 0) return -1;  // regions must not overlap: an access in two is a fault
    found = static_cast<int>(i);
  }
  return found;
}

bool Mpu::allows(std::uint32_t address, Use use, bool privileged, bool below_zero) const {
  // Execute-never parts of the default map hold whatever the regions say about them.
  const bool default_xn = (address >= 0x4000'0000 && address < 0x6000'0000) || address >= 0xa000'0000;
  if (!enabled() || (below_zero && (ctrl & 2) == 0)) return use != Use::kExecute || !default_xn;
  const int region = region_of(address);
  if (region < 0) {
    unsigned hits = 0;
    for (unsigned i = 0; i < kRegions; ++i)
      hits += (rlar[i] & 1) != 0 && address >= (rbar[i] & ~31u) && address <= (rlar[i] | 31u);
    return hits == 0 && privileged && (ctrl & 4) != 0 && (use != Use::kExecute || !default_xn);
  }
  const std::uint32_t attributes = rbar[region];
  const bool unprivileged_too = (attributes >> 1 & 1) != 0, read_only = (attributes >> 2 & 1) != 0;
  if (!privileged && !unprivileged_too) return false;
  if (use == Use::kWrite) return !read_only;
  if (use == Use::kExecute) return (attributes & 1) == 0 && !default_xn;
  return true;
}

}  // namespace pico_llama::simulator
