#include "simulator/bus/bus.h"

#include <algorithm>
#include <stdexcept>

namespace pico_llama::simulator {
namespace {

// Index of the peripheral region an address lies in, or -1.
int region_of(std::uint32_t address) {
  switch (address >> 28) {
    case 0x4:
      return 0;
    case 0x5:
      return 1;
    case 0xd:
      return 2;
    default:
      return -1;
  }
}

std::uint32_t lane_mask(unsigned size) { return size == 4 ? ~0u : (1u << (8 * size)) - 1; }

// A narrow write reaches a register as the hardware sends it: repeated on all lanes (datasheet
// section 2.1.5).
std::uint32_t replicate(std::uint32_t value, unsigned size) {
  if (size == 1) return (value & 0xff) * 0x0101'0101u;
  if (size == 2) return (value & 0xffff) * 0x0001'0001u;
  return value;
}

}  // namespace

Bus::Bus() : sram_(std::make_unique<std::uint8_t[]>(kSramSize)) {}

void Bus::attach(std::uint32_t base, std::uint32_t window_bytes, Device* device) {
  const int region = region_of(base);
  constexpr std::uint32_t kPage = 1u << kPageBits;
  if (region < 0 || base % kPage != 0 || window_bytes % kPage != 0 || window_bytes == 0) {
    throw std::logic_error("bus: bad window for " + std::string(device->name()));
  }
  auto& pages = windows_[static_cast<unsigned>(region)];
  const std::uint32_t first = (base & 0x0fff'ffff) >> kPageBits;
  const std::uint32_t count = window_bytes >> kPageBits;
  if (pages.size() < first + count) pages.resize(first + count);
  for (std::uint32_t page = first; page < first + count; ++page) {
    pages[page] = {.device = device,
                   .base = base,
                   .atomic_aliases = device->has_atomic_aliases(),
                   .byte_addressable = device->byte_addressable(),
                   .on_apb = region == 0};
  }
}

const Bus::Window* Bus::window_at(std::uint32_t address) const {
  const int region = region_of(address);
  if (region < 0) return nullptr;
  const auto& pages = windows_[static_cast<unsigned>(region)];
  const std::uint32_t page = (address & 0x0fff'ffff) >> kPageBits;
  if (page >= pages.size() || pages[page].device == nullptr) return nullptr;
  return &pages[page];
}

std::optional<unsigned> Bus::counted_port(std::uint32_t address, const Access& access) const {
  if (access.master == Master::kDebugger) return std::nullopt;
  switch (address >> 28) {
    case 0x1:
      return (address & 8) == 0 ? BusEvents::kXip0 : BusEvents::kXip1;  // [ASSUMED] even lines are port 0's
    case 0x4:
      return BusEvents::kApb;
    case 0x5:
      return BusEvents::kFastPeripherals;
    case 0xd:
      return access.master == Master::kCore0 ? BusEvents::kSiobCore0 : BusEvents::kSiobCore1;
    default:
      return std::nullopt;
  }
}

template <typename Make>
[[gnu::noinline]] Reply Bus::counted(std::uint32_t address, const Access& access, Make&& make) {
  const std::optional<unsigned> port = counted_port(address, access);
  if (!port) return make();
  const bool to_xip = *port == BusEvents::kXip0 || *port == BusEvents::kXip1;
  const std::uint32_t contention = to_xip && xip_ != nullptr ? xip_->contention(address, access) : 0;
  const Reply reply = make();
  events_.add(*port, std::min(contention, reply.stall), reply.stall - std::min(contention, reply.stall));
  return reply;
}

// In the next three nothing of an access is kept for counting while it is off: each ends in a jump.
Reply Bus::read_elsewhere(std::uint32_t address, const Access& access) {
  const auto read = [this, address, &access]() -> Reply {
    if ((address >> 28) == 1) {
      return xip_ != nullptr ? xip_->read(address, access) : Reply{.fault = BusFault::kUnmapped};
    }
    if (address < kRomSize) return {.value = load(rom_.data() + address, access.size)};
    if (const Window* window = window_at(address)) return read_device(*window, address, access);
    return {.fault = BusFault::kUnmapped};
  };
  if (counts_events_) [[unlikely]]
    return counted(address, access, read);
  return read();
}

Reply Bus::write_elsewhere(std::uint32_t address, std::uint32_t value, const Access& access) {
  const auto write = [this, address, value, &access]() -> Reply {
    if ((address >> 28) == 1) {
      return xip_ != nullptr ? xip_->write(address, value, access) : Reply{.fault = BusFault::kUnmapped};
    }
    // The ROM ignores writes rather than refusing them: TinyUSB's endpoint 0 has a null pointer for a control
    // register and writes through it on every transfer, on boards that work (rp2040_usb.c).
    if (address < kRomSize) return {};
    if (const Window* window = window_at(address)) return write_device(*window, address, value, access);
    return {.fault = BusFault::kUnmapped};
  };
  if (counts_events_) [[unlikely]]
    return counted(address, access, write);
  return write();
}

Reply Bus::fetch_elsewhere(std::uint32_t address, const Access& access) {
  const auto fetch = [this, address, &access]() -> Reply {
    if ((address >> 28) == 1) {
      return xip_ != nullptr ? xip_->read(address, access) : Reply{.fault = BusFault::kUnmapped};
    }
    if (address < kRomSize) return {.value = load(rom_.data() + address, 4)};
    return {.fault = window_at(address) != nullptr ? BusFault::kDenied : BusFault::kUnmapped};
  };
  if (counts_events_) [[unlikely]]
    return counted(address, access, fetch);
  return fetch();
}

Reply Bus::read_device(const Window& window, std::uint32_t address, const Access& access) {
  if (!admits(window, access)) return {.fault = BusFault::kDenied};
  std::uint32_t offset = address - window.base;
  if (window.atomic_aliases) offset &= ~0x3000u;
  Reply reply;
  if (window.byte_addressable) {
    reply = window.device->read(offset, access);
  } else {
    const unsigned lane = 8 * (offset & 3);
    reply = window.device->read(offset & ~3u, access);
    reply.value = (reply.value >> lane) & lane_mask(access.size);
  }
  reply.stall += window.on_apb ? timing::kApbRead.cycles : timing::kAhbPeripheral.cycles;
  return reply;
}

Reply Bus::write_device(const Window& window, std::uint32_t address, std::uint32_t value,
                        const Access& access) {
  if (!admits(window, access)) return {.fault = BusFault::kDenied};
  std::uint32_t offset = address - window.base;
  Access passed = access;
  passed.op = AtomicOp::kWrite;
  if (window.atomic_aliases) {
    passed.op = static_cast<AtomicOp>((offset >> 12) & 3);
    offset &= ~0x3000u;
  }
  Reply reply;
  if (window.byte_addressable) {
    reply = window.device->write(offset, value & lane_mask(access.size), passed);
  } else {
    reply = window.device->write(offset & ~3u, replicate(value, access.size), passed);
  }
  reply.stall += window.on_apb ? timing::kApbWrite.cycles : timing::kAhbPeripheral.cycles;
  return reply;
}

void Bus::notify_code_written(std::uint32_t offset) {
  const std::uint32_t granule = offset >> kCodeGranuleBits;
  const std::uint8_t cores = code_map_[granule];
  code_map_[granule] = 0;
  for (unsigned core = 0; core < code_listeners_.size(); ++core) {
    if (((cores >> core) & 1) != 0 && code_listeners_[core] != nullptr) {
      code_listeners_[core]->code_written(kSramBase + (granule << kCodeGranuleBits));
    }
  }
}

bool Bus::peek(std::uint32_t address, void* bytes, std::uint32_t size) const {
  if (address >= kSramBase && address - kSramBase <= kSramSize && size <= kSramSize - (address - kSramBase)) {
    std::memcpy(bytes, sram_.get() + (address - kSramBase), size);
    return true;
  }
  if (address <= kRomSize && size <= kRomSize - address) {
    std::memcpy(bytes, rom_.data() + address, size);
    return true;
  }
  return false;
}

bool Bus::poke(std::uint32_t address, const void* bytes, std::uint32_t size) {
  if (address < kSramBase || address - kSramBase > kSramSize || size > kSramSize - (address - kSramBase))
    return false;
  const std::uint32_t offset = address - kSramBase;
  std::memcpy(sram_.get() + offset, bytes, size);
  if (size == 0) return true;
  for (std::uint32_t granule = offset >> kCodeGranuleBits; granule <= (offset + size - 1) >> kCodeGranuleBits;
       ++granule) {
    if (code_map_[granule] != 0) notify_code_written(granule << kCodeGranuleBits);
  }
  return true;
}

}  // namespace pico_llama::simulator
