#include "simulator/cpu/core.h"

/// Data accesses beyond aligned SRAM: splitting of unaligned ones, the MPU, the private peripheral bus and
/// the rest of the bus.
namespace pico_llama::simulator {
namespace {

constexpr bool is_ppb(std::uint32_t address) { return address >> 20 == 0xe00; }

/// Peripherals are Device memory in the default map (Armv8-M ARM, B7.3): no unaligned accesses there. SIO is
/// in the 0xc0000000 region, which is Device, too.
bool is_device(std::uint32_t address) {
  return (address >= 0x4000'0000 && address < 0x6000'0000) || address >= 0xa000'0000;
}

Fault precise_bus_fault(std::uint32_t address) {
  return {exception::kBusFault, cfsr::kPreciserr | cfsr::kBfarvalid, address};
}

/// Calls `access(address, bytes, done)` for the aligned bytes and half-words of an unaligned access; `done`
/// bytes are behind it. The bus sees half-words where they are aligned.
template <typename Part>
void split(std::uint32_t address, unsigned size, Part access) {
  for (unsigned done = 0; done < size;) {
    const unsigned bytes = ((address + done) & 1) == 0 && size - done >= 2 ? 2 : 1;
    access(address + done, bytes, done);
    done += bytes;
  }
}

}  // namespace

void Core::unaligned(std::uint32_t) { throw usage_fault(cfsr::kUnaligned); }

void Core::update_mpu_checks() { mpu_checks = mpu.enabled() || !secure; }

void Core::check_data_access(std::uint32_t address, Mpu::Use use, bool privileged_access) const {
  if (is_ppb(address)) {
    if (!privileged_access) throw precise_bus_fault(address);
    return;
  }
  if (!secure && attribution(address, false) != Attribution::kNonSecure)
    throw Fault{exception::kSecureFault, sfsr::kAuviol | sfsr::kSfarvalid, address};
  if (mpu.enabled() && !mpu.allows(address, use, privileged_access, execution_priority() < 0)) {
    throw Fault{exception::kMemManage, cfsr::kDaccviol | cfsr::kMmarvalid, address};
  }
}

Access Core::data_access(unsigned size, std::uint32_t beat, bool privileged_access) const {
  return {.master = master,
          .size = static_cast<std::uint8_t>(size),
          .secure = secure,
          .privileged = privileged_access,
          .now = clock + beat};
}

std::uint32_t Core::finish_data_access(std::uint32_t address, const Reply& reply) {
  leave_sequence();  // a device may have started the DMA, which takes banks in cycles to come
  clock += reply.stall;
  counters.data_stalls += reply.stall;
  if (reply.fault != BusFault::kNone) throw precise_bus_fault(address);
  return reply.value;
}

std::uint32_t Core::load_aligned(std::uint32_t address, unsigned size, std::uint32_t beat,
                                 bool privileged_access) {
  check_data_access(address, Mpu::Use::kRead, privileged_access);
  if (is_ppb(address)) return ppb_read(*this, address, size);
  return finish_data_access(address, bus.read(address, data_access(size, beat, privileged_access)));
}

void Core::store_aligned(std::uint32_t address, std::uint32_t value, unsigned size, std::uint32_t beat,
                         bool privileged_access) {
  check_data_access(address, Mpu::Use::kWrite, privileged_access);
  if (is_ppb(address)) return ppb_write(*this, address, value, size);
  finish_data_access(address, bus.write(address, value, data_access(size, beat, privileged_access)));
}

std::uint32_t Core::load_slow(std::uint32_t address, unsigned size, std::uint32_t beat) {
  const bool as_privileged = privileged();
  if ((address & (size - 1)) == 0) return load_aligned(address, size, beat, as_privileged);
  if ((scs.ccr & Scs::kCcrUnalignTrp) != 0 || is_device(address)) unaligned(address);
  clock += timing::kUnalignedExtra.cycles;
  std::uint32_t value = 0;
  split(address, size, [&](std::uint32_t at, unsigned bytes, unsigned done) {
    value |= load_aligned(at, bytes, beat, as_privileged) << (8 * done);
  });
  return value;
}

void Core::store_slow(std::uint32_t address, std::uint32_t value, unsigned size, std::uint32_t beat) {
  const bool as_privileged = privileged();
  if ((address & (size - 1)) == 0) return store_aligned(address, value, size, beat, as_privileged);
  if ((scs.ccr & Scs::kCcrUnalignTrp) != 0 || is_device(address)) unaligned(address);
  clock += timing::kUnalignedExtra.cycles;
  split(address, size, [&](std::uint32_t at, unsigned bytes, unsigned done) {
    store_aligned(at, value >> (8 * done), bytes, beat, as_privileged);
  });
}

}  // namespace pico_llama::simulator
