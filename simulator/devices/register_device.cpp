#include "simulator/devices/register_device.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/stop.h"

namespace pico_llama::simulator {

RegisterDevice::RegisterDevice(std::string name, std::span<const Register> registers)
    : name_(std::move(name)) {
  std::uint32_t end = 0;
  for (const Register& r : registers) end = std::max(end, r.offset + 4 * r.count);
  index_.assign(end / 4, -1);
  values_.assign(end / 4, 0);
  for (const Register& r : registers) {
    for (std::uint32_t i = 0; i < r.count; ++i) {
      Register one = r;
      one.offset += 4 * i;
      one.count = 1;
      index_[one.offset / 4] = static_cast<std::int16_t>(registers_.size());
      registers_.push_back(one);
      names_.push_back(r.count == 1 ? r.name : fmt::format("{}{}", r.name, i));
    }
  }
  for (const Register& r : registers_) stored(r.offset) = r.reset;
}

void RegisterDevice::reset() {
  for (const Register& r : registers_) stored(r.offset) = r.reset;
}

const Register* RegisterDevice::find(std::uint32_t offset) const {
  const std::size_t word = offset / 4;
  return word < index_.size() && index_[word] >= 0 ? &registers_[static_cast<std::size_t>(index_[word])]
                                                   : nullptr;
}

std::string RegisterDevice::register_name(std::uint32_t offset) const {
  const Register* r = find(offset);
  return r != nullptr ? names_[static_cast<std::size_t>(r - registers_.data())]
                      : "a register this model does not have";
}

void RegisterDevice::stop(std::uint32_t offset, std::string_view what) const {
  throw Stop(fmt::format("{} {} (offset {:#06x}): {}", name_, register_name(offset), offset, what));
}

Reply RegisterDevice::read(std::uint32_t offset, const Access& access) {
  // A debugger's reads have no side effects and never stop the run.
  if (access.master == Master::kDebugger) return {find(offset) != nullptr ? stored(offset) : 0};
  if (find(offset) == nullptr) stop(offset, "read, not modelled");
  return {on_read(offset, access)};
}

Reply RegisterDevice::write(std::uint32_t offset, std::uint32_t value, const Access& access) {
  const Register* r = find(offset);
  if (r == nullptr) stop(offset, fmt::format("written with {:#010x}, not modelled", value));
  std::uint32_t& place = stored(offset);
  const Write write{offset, place, apply(access.op, place, value), value};
  const std::uint32_t unknown = (write.value ^ place) & ~(r->writable | r->clear | r->ignored);
  if (unknown != 0)
    stop(offset, fmt::format("written with {:#010x}, bits {:#010x} not modelled", write.value, unknown));
  place = (place & ~r->writable) | (write.value & r->writable);
  place &= ~(value & r->clear);
  on_write(write, access);
  return {};
}

std::uint32_t RegisterDevice::on_read(std::uint32_t offset, const Access&) { return stored(offset); }
void RegisterDevice::on_write(const Write&, const Access&) {}

Reply Unmodelled::read(std::uint32_t offset, const Access& access) {
  if (access.master == Master::kDebugger) return {};
  throw Stop(fmt::format("{} offset {:#06x}: read, this device is not modelled", name_, offset));
}

Reply Unmodelled::write(std::uint32_t offset, std::uint32_t value, const Access&) {
  throw Stop(fmt::format("{} offset {:#06x}: written with {:#010x}, this device is not modelled", name_,
                         offset, value));
}

}  // namespace pico_llama::simulator
