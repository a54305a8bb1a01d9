#include "simulator/bus/xip_control.h"

#include <string>

#include "simulator/stop.h"

namespace pico_llama::simulator {

Reply XipControl::read(std::uint32_t offset, const Access& access) {
  switch (offset) {
    case 0x00:
      return {.value = cache_.control()};
    case 0x08:
      return {.value = (stream_.full() ? 4u : 0u) | (stream_.empty() ? 2u : 0u)};
    case 0x0c:
      return {.value = cache_.hits()};
    case 0x10:
      return {.value = cache_.accesses()};
    case 0x14:
      return {.value = stream_.address()};
    case 0x18:
      return {.value = stream_.count()};
    case 0x1c:
      if (access.master == Master::kDebugger) return {};
      return {.value = stream_.pop(access.now)};
    default:
      throw Stop("XIP_CTRL: no register at offset " + std::to_string(offset));
  }
}

Reply XipControl::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  switch (offset) {
    case 0x00:
      cache_.set_control(apply(access.op, cache_.control(), value));
      break;
    case 0x08:
      break;
    case 0x0c:
      cache_.clear_hits();
      break;
    case 0x10:
      cache_.clear_accesses();
      break;
    case 0x14:
      stream_.set_address(apply(access.op, stream_.address(), value));
      break;
    case 0x18:
      stream_.set_count(apply(access.op, stream_.count(), value), access.now);
      break;
    case 0x1c:
      break;
    default:
      throw Stop("XIP_CTRL: no register at offset " + std::to_string(offset));
  }
  return {};
}

Reply XipAux::read(std::uint32_t offset, const Access& access) {
  if (access.master == Master::kDebugger) return {};
  switch (offset) {
    case 0x0:
      return {.value = stream_.pop(access.now)};
    case 0x4:
      return {};
    case 0x8:
      return {.value = qmi_.direct().pop(access.now)};
    default:
      throw Stop("XIP_AUX: no register at offset " + std::to_string(offset));
  }
}

Reply XipAux::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (offset == 0x4) qmi_.direct().push(value, access.now);
  if (offset > 0x8) throw Stop("XIP_AUX: no register at offset " + std::to_string(offset));
  return {};
}

}  // namespace pico_llama::simulator
