#include "simulator/usb/dpram.h"

#include <bit>
#include <cstring>

#include "simulator/usb/controller.h"

namespace pico_llama::simulator {

static_assert(std::endian::native == std::endian::little, "the DPRAM is kept in the chip's byte order");

Reply UsbDpram::read(std::uint32_t offset, const Access& access) {
  if (offset + access.size > kBytes) return {.fault = BusFault::kUnmapped};
  Reply reply;
  std::memcpy(&reply.value, bytes_.data() + offset, access.size);
  return reply;
}

Reply UsbDpram::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  if (offset + access.size > kBytes) return {.fault = BusFault::kUnmapped};
  std::memcpy(bytes_.data() + offset, &value, access.size);
  controller_.dpram_written(offset & ~3u, controller_.time_of(access));
  return {};
}

std::uint32_t UsbDpram::word(std::uint32_t offset) const {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes_.data() + offset, sizeof value);
  return value;
}

void UsbDpram::set_word(std::uint32_t offset, std::uint32_t value) {
  std::memcpy(bytes_.data() + offset, &value, sizeof value);
}

}  // namespace pico_llama::simulator
