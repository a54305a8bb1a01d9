// The cache's maintenance window, and the debugger's view of the XIP windows.
#include <cstring>
#include <string>

#include "simulator/bus/xip_cache.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {

// Datasheet section 4.4.1.1. The data written is ignored; address bits 2:0 are the operation.
Reply XipCache::maintain(std::uint32_t address, const Access& access) {
  const std::uint32_t set = (address >> 3) & (kSets - 1);
  Line& by_way = lines_[set][(address >> 13) & 1];
  const auto tag = static_cast<std::uint16_t>((address & kXipMask) >> 13);
  Cycle at = access.now;
  BusFault fault = BusFault::kNone;
  switch (address & 7) {
    case 0:
      by_way.state = State::kInvalid;
      break;
    case 1:
      if (by_way.state == State::kDirty) {
        at = write_back(by_way, set, at, fault);
        by_way.state = State::kClean;
        by_way.tag = tag;  // erratum RP2350-E11
      }
      break;
    case 2:
      if (Line* line = find(address, 0, 1)) line->state = State::kInvalid;
      break;
    case 3:
      if (Line* line = find(address, 0, 1); line != nullptr && line->state == State::kDirty) {
        at = write_back(*line, set, at, fault);
        line->state = State::kClean;
      }
      break;
    case 7:
      if (Line* line = find(address, 0, 1)) line->state = State::kInvalid;
      by_way.tag = tag;
      by_way.state = State::kPinned;
      by_way.defined = 0xff;  // cache memory, whatever it holds
      break;
    default:
      throw Stop("XIP cache: maintenance operation " + std::to_string(address & 7) +
                 " is not defined (4.4.1.1)");
  }
  const auto stall = static_cast<std::uint32_t>(at - access.now);
  counters_.stall_cycles += stall;
  return {.stall = stall, .fault = fault};
}

Reply XipCache::peek(std::uint32_t address, const Access& access) {
  std::uint8_t bytes[4] = {};
  const bool through_cache = ((address >> 26) & 3) == 0;
  for (unsigned i = 0; i < access.size; ++i) {
    const Line* line = through_cache ? find(address + i, 0, 1) : nullptr;
    if (line != nullptr) {
      bytes[i] = line->bytes[(address + i) & 7];
    } else if ((address & kBeyondQmi) != 0 ||
               !qmi_.peek((address + i) & kXipMask, (address >> 26 & 3) != 3, &bytes[i])) {
      return {.fault = BusFault::kUnmapped};
    }
  }
  return {.value = from_bytes(bytes, access.size)};
}

}  // namespace pico_llama::simulator
